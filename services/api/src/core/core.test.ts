import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network, RackId } from '@ironbus/contracts';
import { Value } from 'typebox/value';
import { keyedRequestId, requestHash } from './idempotency.ts';
import { detectCompression, foreignFormat, idFromName } from './images.ts';
import { bearerKey, hashKey, newJoinToken, newKey } from './keys.ts';
import { completeNetwork, NetworkInput } from './networks.ts';
import { parseRange } from './range.ts';
import { actions, checkSshKey, DeployBody, PowerInput } from './requests.ts';
import { mayMatch } from './subjects.ts';

test('keys: as the configuration takes them, hashed, and only from a well-formed header', () => {
  const key = newKey();
  assert.match(key, /^ib_[A-Za-z0-9_-]{43}$/);
  assert.match(newJoinToken(), /^ibjoin_[A-Za-z0-9_-]{32}$/);
  assert.equal(bearerKey(`Bearer ${key}`), key);
  assert.equal(bearerKey(`bearer ${key}`), key);
  for (const header of [undefined, '', key, `Basic ${key}`, `Bearer ${key}x`, 'Bearer ib_short']) assert.equal(bearerKey(header), undefined);
  assert.equal(hashKey('ib_a').length, 64);
});

const ranges: [string | undefined, ReturnType<typeof parseRange>][] = [
  [undefined, undefined], ['bytes=0-9', { start: 0, end: 9 }], ['bytes=90-', { start: 90, end: 99 }], ['bytes=-10', { start: 90, end: 99 }], ['bytes=-1000', { start: 0, end: 99 }],
  ['bytes=50-1000', { start: 50, end: 99 }], ['bytes=100-', 'unsatisfiable'], ['bytes=-0', 'unsatisfiable'], ['bytes=9-0', undefined], ['bytes=0-1,3-4', undefined], ['lines=0-1', undefined], ['bytes=-', undefined],
];
for (const [header, expected] of ranges) test(`range ${header} of 100 bytes`, () => assert.deepEqual(parseRange(header, 100), expected));

test('images: what the first bytes say', () => {
  assert.equal(detectCompression(Buffer.from('28b52ffd00', 'hex')), 'zstd');
  assert.equal(detectCompression(Buffer.from('1f8b0800', 'hex')), 'gzip');
  assert.equal(detectCompression(Buffer.from('fd377a585a0000', 'hex')), 'xz');
  assert.equal(detectCompression(Buffer.alloc(0)), 'none');
  assert.match(foreignFormat(Buffer.from('QFI\xfb\0\0\0\x03', 'latin1')) ?? '', /qemu-img convert/);
  assert.match(foreignFormat(Buffer.from('KDMV')) ?? '', /VMDK/);
  assert.equal(foreignFormat(Buffer.alloc(8)), undefined);
});

test('images: an id from a name is a token', () => {
  assert.equal(idFromName('Debian 12 (cloud)'), 'debian-12-cloud');
  assert.equal(idFromName('***'), 'image');
  assert.match(idFromName(`${'a'.repeat(62)} b`), /^[a-z0-9]{62}$/);
});

const input = { id: 'lan1', interface: 'eth1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1' as NetworkInput['serverAddress'] };
const complete = (changes: object = {}, others: readonly Network[] = []): Network => completeNetwork({ ...input, ...changes }, { rack: 'rack1' as RackId, bootPort: 5248 }, others);

test('networks: without a mode nothing is answered, and null stays null', () => {
  const network = complete();
  assert.equal(network.mode, 'off');
  assert.equal(network.baseUrl, 'http://10.77.0.1:5248');
  assert.deepEqual([network.domain, network.bootMenu, network.managed, network.loader, network.force, network.probeAddresses], [null, null, true, 'auto', false, true]);
  assert.equal(complete({ mode: 'shadow', leaseSeconds: 60 }).leaseSeconds, 60);
});

const spelled: [name: string, changes: object, ok: boolean][] = [
  ['as it is', {}, true], ['a field that is none', { tipo: 'x' }, false],
  ['everything', { vlan: { vid: 20, name: 'blue' }, fabric: 'f1', managed: false, reservedRanges: [{ from: '10.77.0.2', to: '10.77.0.9', comment: 'printers' }], searchDomains: ['example.org'], options: [{ code: 4, type: 'ip', value: '10.77.0.1', always: true }],
    staticRoutes: [{ destination: '10.0.0.0/8', gateway: '10.77.0.2' }], bootMenu: { prompt: 'F8', timeoutSeconds: 3, entries: [{ text: 'Disk', boots: 'local-disk' }] }, loader: 'grub', force: true, probeAddresses: false,
    reservations: [{ mac: '52:54:00:77:00:01', address: '10.77.0.5', hostname: 'web1', loader: 'pxelinux', options: [{ code: 100, type: 'text', value: 'UTC0' }] }] }, true],
  ['a field of a reservation that is none', { reservations: [{ mac: '52:54:00:77:00:01', address: '10.77.0.5', hostnme: 'web1' }] }, false],
  ['a field of an option that is none', { options: [{ code: 4, type: 'ip', value: '10.77.0.1', allways: true }] }, false],
  ['a field of a menu that is none', { bootMenu: { prompt: 'F8', timeout: 3, timeoutSeconds: 3, entries: [{ text: 'Disk', boots: 'local-disk' }] } }, false],
  ['a VLAN that is none', { vlan: { vid: 4095 } }, false], ['no menu', { bootMenu: null }, true],
];
for (const [name, changes, ok] of spelled) test(`networks: spelled right: ${name}`, () => assert.equal(Value.Check(NetworkInput, { ...input, ...changes }), ok));

test('networks: the wire of one that names none: its device’s, its prefix’s, or a new fabric; none behind a relay', () => {
  const first = complete();
  const wire = (changes: object, others: Network[]) => { const { fabric, vlan } = complete(changes, others); return [fabric, vlan?.vid]; };
  assert.deepEqual(wire({}, []), ['fabric-0', 0]);
  assert.deepEqual(wire({ id: 'lan2', cidr: '10.78.0.0/24' }, [first]), ['fabric-0', 0], 'the same device');
  assert.deepEqual(wire({ id: 'lan2', cidr: '10.78.0.0/24', interface: 'eth2' }, [first]), ['fabric-1', 0], 'another device');
  assert.deepEqual(wire({ id: 'lan2', cidr: '10.78.0.0/24', interface: 'eth1.20', vlan: { vid: 20 } }, [first]), ['fabric-0', 20], 'another VLAN');
  assert.deepEqual(wire({ id: 'lan2', rack: 'rack2' }, [first, complete({ id: 'x', cidr: '10.1.0.0/24', interface: 'eth7', fabric: 'blue' })]), ['fabric-0', 0], 'the same prefix at another rack');
  assert.deepEqual(wire({ interface: 'eth3' }, [complete({ id: 'x', cidr: '10.1.0.0/24', interface: 'eth3', fabric: 'blue', vlan: { vid: 7 } })]), ['blue', 7]);
  assert.deepEqual(wire({ fabric: 'red' }, [first]), ['red', 0]);
  assert.deepEqual(wire({ relayed: true }, [first]), [undefined, undefined]);
});

test('requests: every action has its own path, and its body is closed', () => {
  assert.equal(new Set(actions.map(({ path }) => path)).size, actions.length);
  for (const action of actions) assert.ok(!Value.Check(action.body, { surprise: 1 }), action.path);
  assert.ok(Value.Check(DeployBody, { image: 'debian-12', sshKeys: [] }));
  assert.ok(!Value.Check(DeployBody, { image: 'debian-12', imageSha256: 'x' }));
  assert.ok(Value.Check(PowerInput, { type: 'manual' }));
  assert.ok(!Value.Check(PowerInput, { type: 'ipmi', address: '10.0.0.1' }));
});

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me@host';
const keys: [name: string, line: string, says: RegExp | undefined][] = [
  ['a good one', key, undefined], ['spaces around it', `  ${key}\n`, undefined], ['no comment', key.split(' ').slice(0, 2).join(' '), undefined],
  ['cut off', key.slice(0, 60), /cut off or damaged/], ['another type than its blob', key.replace('ssh-ed25519', 'ssh-rsa'), /cut off or damaged/], ['no blob', 'ssh-ed25519', /cut off/],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----', /give the \.pub file/], ['something else', 'hello', /is not an OpenSSH public key/], ['two lines', `${key}\n${key}`, /several lines/],
];
for (const [name, line, says] of keys) {
  test(`ssh key: ${name}`, () => {
    const [problem] = checkSshKey(line);
    if (says === undefined) assert.equal(problem, undefined);
    else assert.match(problem ?? '', says);
  });
}

test('idempotency: one id per user and key, fit for a bucket key; another body is another hash', () => {
  const id = keyedRequestId('admin', 'k1');
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.notEqual(id, keyedRequestId('other', 'k1'));
  const request = { method: 'POST', url: '/x', body: { a: 1 } };
  assert.equal(requestHash('k1', request), requestHash('k1', { ...request }));
  assert.notEqual(requestHash('k1', request), requestHash('k1', { ...request, body: { a: 2 } }));
  assert.notEqual(requestHash('k1', request), requestHash('k2', request));
});

const patterns: [pattern: string, type: string, matches: boolean][] = [
  ['>', 'node.updated', true], ['*.*.*.*', 'node.updated', true], ['node.>', 'node.updated', true], ['node.updated.*.k7x2mp', 'node.updated', true],
  ['tftp.>', 'node.updated', false], ['node.*', 'node.updated', false], ['*.updated.region.>', 'node.updated', true], ['a.b.c.d.>', 'a.b', false],
];
for (const [pattern, type, matches] of patterns) test(`${pattern} and ${type}`, () => assert.equal(mayMatch(pattern, type), matches));

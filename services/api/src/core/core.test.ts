import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RackId } from '@ironbus/contracts';
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

test('networks: without a mode nothing is answered, and null stays null', () => {
  const input = { id: 'lan1', interface: 'eth1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1' as NetworkInput['serverAddress'] };
  assert.ok(Value.Check(NetworkInput, input));
  assert.ok(!Value.Check(NetworkInput, { ...input, tipo: 'x' }));
  const network = completeNetwork(input, { rack: 'rack1' as RackId, bootPort: 5248 });
  assert.equal(network.mode, 'off');
  assert.equal(network.baseUrl, 'http://10.77.0.1:5248');
  assert.equal(network.domain, null);
  assert.equal(completeNetwork({ ...input, mode: 'shadow', leaseSeconds: 60 }, { rack: 'rack1' as RackId, bootPort: 1 }).leaseSeconds, 60);
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

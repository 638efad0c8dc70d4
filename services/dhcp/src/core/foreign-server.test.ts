import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForeignServer, Ipv4, Mac } from '@ironbus/contracts';
import { bootFile, clientArch, decode, encode, makeMessage, MessageType, messageType, parseIpv4, vendorClass, type DhcpMessage } from '@ironbus/wire';
import { Answers, describeServer, mergeSeen, nameServers, plainDiscover, pxeDiscover, readServerAnswer, type ServerAnswer } from './foreign-server.ts';
import { OtherServers } from './other-servers.ts';
import { serverTable } from './server-table.ts';

const question = { chaddr: Uint8Array.of(2, 0, 0, 0, 0, 1), xid: 7, secs: 0, uuid: new Uint8Array(16) };
const router = { from: '192.168.1.1' as Ipv4, mac: '52:54:00:00:00:01' as Mac };

function answer(fields: { xid?: number; type?: number; server?: string; yiaddr?: string; file?: string; from?: string } = {}): ServerAnswer {
  const { xid = 7, type = MessageType.offer, server = '192.168.1.1', yiaddr = '192.168.1.50', file = '', from = router.from } = fields;
  const message = makeMessage({ op: 2, xid, yiaddr, file });
  if (type !== 0) message.options.setU8(53, type);
  if (server !== '') message.options.setAddress(54, server);
  return { message, from: from as Ipv4, mac: router.mac };
}
const server = (id: string, changes: Partial<ForeignServer> = {}): ForeignServer =>
  ({ serverId: id as Ipv4, from: id as Ipv4, mac: null, offered: null, bootFile: null, ...changes });

test('the questions are DISCOVERs that servers broadcast their answer to', () => {
  const read = (message: DhcpMessage): DhcpMessage => { const decoded = decode(encode(message)); assert.ok(decoded.ok); return decoded.message; };
  const plain = read(plainDiscover(question));
  assert.deepEqual([messageType(plain), plain.broadcast, plain.xid, vendorClass(plain), plain.ciaddr], [MessageType.discover, true, 7, undefined, '0.0.0.0']);
  const rows = [['bios', 'PXEClient:Arch:00000:UNDI:003016', 0], ['uefi', 'PXEClient:Arch:00007:UNDI:003016', 7]] as const;
  for (const [firmware, name, arch] of rows) {
    const pxe = read(pxeDiscover(question, firmware));
    const read97 = pxe.options.get(97)?.length;
    assert.deepEqual([messageType(pxe), pxe.broadcast, vendorClass(pxe), clientArch(pxe)?.[0], read97], [MessageType.discover, true, name, arch, 17], firmware);
  }
});

test('what an answer tells about its server', () => {
  const rows: [string, ServerAnswer, ForeignServer][] = [
    ['an offer', answer(), { ...router, serverId: router.from, offered: '192.168.1.50' as Ipv4, bootFile: null }],
    ['a proxyDHCP offer', answer({ yiaddr: '0.0.0.0', file: 'wdsnbp.com' }), { ...router, serverId: router.from, offered: null, bootFile: 'wdsnbp.com' }],
    ['a BOOTP server', answer({ type: 0, server: '' }), { ...router, serverId: null, offered: '192.168.1.50' as Ipv4, bootFile: null }],
    ['brought by a relay', answer({ server: '10.9.9.9' }), { ...router, serverId: '10.9.9.9' as Ipv4, offered: '192.168.1.50' as Ipv4, bootFile: null }],
  ];
  for (const [name, given, expected] of rows) assert.deepEqual(describeServer(given), expected, name);
});

test('only a reply is a server’s', () => {
  const frame = (message: DhcpMessage) => ({ ...router, source: router.from, sourcePort: 67, targetPort: 68, payload: Buffer.from(encode(message)) });
  assert.equal(readServerAnswer(undefined), undefined);
  assert.equal(readServerAnswer(frame(plainDiscover(question))), undefined);
  assert.equal(readServerAnswer({ ...frame(plainDiscover(question)), payload: Buffer.from('no dhcp') }), undefined);
  assert.equal(readServerAnswer(frame(answer().message))?.from, router.from);
});

test('a probe takes offers to its own questions, of strangers, one entry for each', () => {
  const answers = new Answers([7, 8]);
  const given = [
    answer({ server: '192.168.1.9', from: '192.168.1.9', yiaddr: '192.168.1.77' }), answer({ xid: 8, yiaddr: '0.0.0.0', file: 'pxelinux.0' }), answer(),
    answer({ xid: 9, server: '192.168.1.2' }),
    answer({ type: MessageType.ack, server: '192.168.1.3' }), answer({ type: MessageType.nak, server: '192.168.1.4' }),
    answer({ server: '10.77.0.1', from: '10.77.0.254' }), answer({ server: '', from: '10.77.0.2' }), answer({ type: 0, server: '', from: '192.168.1.8' }),
  ];
  for (const each of given) answers.hear(each);
  assert.deepEqual(answers.list(new Set(['10.77.0.1', '10.77.0.2'])).map(({ serverId, from, offered, bootFile: file }) => [serverId, from, offered, file]), [
    ['192.168.1.1', '192.168.1.1', '192.168.1.50', 'pxelinux.0'],
    [null, '192.168.1.8', '192.168.1.50', null], ['192.168.1.9', '192.168.1.9', '192.168.1.77', null],
  ]);
});

test('lists of one network become one, the newest word first', () => {
  const seen = (id: string, seenAt: string, file: string | null = null) => ({ ...server(id, { bootFile: file }), seenAt });
  const merged = mergeSeen(
    [seen('10.0.0.1', '2026-01-01T00:00:05.000Z'), seen('10.0.0.2', '2026-01-01T00:00:04.000Z')], [seen('10.0.0.1', '2026-01-01T00:00:01.000Z', 'a')],
  );
  assert.deepEqual(merged.map((each) => [each.serverId, each.seenAt.slice(17, 19), each.bootFile]),
    [['10.0.0.1', '05', 'a'], ['10.0.0.2', '04', null]]);
});

test('names for logs and people', () => {
  assert.equal(nameServers([server('10.0.0.1', { mac: router.mac, bootFile: 'x' }), server('10.0.0.2')]),
    '10.0.0.1 (52:54:00:00:00:01, boot file x), 10.0.0.2');
  assert.equal(nameServers(Array.from({ length: 6 }, (_, n) => server(`10.0.0.${n}`))), '10.0.0.0, 10.0.0.1, 10.0.0.2, 10.0.0.3 and 2 more');
  assert.equal(serverTable([]), 'no DHCP server answered\n');
  assert.equal(serverTable([server('10.0.0.1', { bootFile: 'x\x1b[2J' })]),
    'SERVER    FROM      MAC  OFFERED  BOOT FILE\n10.0.0.1  10.0.0.1  -    -        x?[2J\n');
});

test('a server is told once in ten minutes, and remembered for a day', () => {
  const others = new OtherServers();
  const told = (id: string, nowMs: number): boolean => {
    others.hear('lan1', server(id), nowMs);
    return others.due('lan1', server(id), nowMs);
  };
  const minute = 60_000;
  const rows: [string, number, boolean][] = [
    ['10.0.0.1', 0, true], ['10.0.0.1', 9 * minute, false], ['10.0.0.2', 9 * minute, true], ['10.0.0.1', 10 * minute, true],
  ];
  for (const [id, nowMs, expected] of rows) assert.equal(told(id, nowMs), expected, `${id} at ${nowMs}`);
  assert.deepEqual(others.of('lan1', 10 * minute).map(({ serverId }) => serverId), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(others.of('lan1', 24 * 60 * minute + 9 * minute).map(({ serverId }) => serverId), ['10.0.0.1']);
  others.keepOnly(new Set(['lan2']));
  assert.deepEqual(others.of('lan1', 10 * minute), []);
});

test('a client that invents servers is told sixteen times and fills no memory', () => {
  const others = new OtherServers();
  let told = 0;
  for (let n = 0; n < 1_000; n += 1) {
    const invented = server(`10.0.${n >> 8}.${n & 255}`);
    assert.notEqual(parseIpv4(invented.from), undefined);
    others.hear('lan1', invented, n);
    if (others.due('lan1', invented, n)) told += 1;
  }
  assert.equal(told, 16);
  assert.equal(others.of('lan1', 1_000).length, 64);
});

test('a boot file that is too long for the contract is cut', () => {
  const long = answer();
  long.message.options.setText(67, 'x'.repeat(2_000));
  assert.equal(bootFile(long.message)?.length, 2_000);
  assert.equal(describeServer(long).bootFile?.length, 1_024);
});

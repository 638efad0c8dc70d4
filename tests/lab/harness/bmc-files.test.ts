import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBoundIn } from './bmc.ts';
import { defaultBmcUsers, fruBytes, lanConf, simCommands } from './bmc-files.ts';

const spec = {
  name: 'n1', address: '10.77.9.11', uuid: '52540077-0000-4000-8000-000000000001', serial: 'SER-1',
  users: defaultBmcUsers, chassisControl: './chassis', lanControl: './lan',
};

test('lan.conf: address, GUID without dashes, users from number 2', () => {
  const conf = lanConf(spec);
  assert.match(conf, /addr 10\.77\.9\.11 623/);
  assert.match(conf, /guid 52540077000040008000000000000001/);
  assert.match(conf, /user 2 true "admin" "secret" admin/);
  assert.doesNotMatch(conf, /serial kcs/);
  assert.match(lanConf({ ...spec, kcsPort: 9002 }), /serial kcs 127\.0\.0\.1 9002 codec VM/);
});

test('every FRU area sums to zero, and says its own length', () => {
  const fru = fruBytes('SER-1');
  const sum = (from: number, length: number): number => fru.subarray(from, from + length).reduce((total, byte) => total + byte, 0) & 0xff;
  const [board, product] = [(fru[3] ?? 0) * 8, (fru[4] ?? 0) * 8];
  assert.equal(sum(0, 8), 0);
  assert.equal(sum(board, (fru[board + 1] ?? 0) * 8), 0);
  assert.equal(sum(product, (fru[product + 1] ?? 0) * 8), 0);
  assert.equal(board + (fru[board + 1] ?? 0) * 8, product);
  assert.equal(fru.length, 256);
});

test('the FRU is given as 256 bytes to mc_add_fru_data', () => {
  const line = simCommands(spec).split('\n').find((text) => text.startsWith('mc_add_fru_data'));
  assert.equal(line?.match(/0x[0-9a-f]{2}(?= |$)/g)?.length, 257); // the controller's address, then the bytes
});

test('a bound UDP socket is found in /proc/net/udp by address and port', () => {
  const table = '  sl  local_address rem_address\n  12: 0B094D0A:026F 00000000:0000 07\n';
  assert.ok(isBoundIn(table, '10.77.9.11', 623));
  assert.ok(!isBoundIn(table, '10.77.9.12', 623));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '@ironbus/contracts';
import { deployment, mac, network, node, policy } from '../../test/fixtures.ts';
import { windowOf, type Grant } from './grant.ts';
import type { Ledger } from './ledger.ts';
import { datasourceConfig, renderMetadata } from './metadata.ts';
import { renderSeed, type SeedFrom } from './seed.ts';

const from: SeedFrom = { deployment, node, mac, network, address: '10.77.0.9' as IpAddress, userData: '#!/bin/sh\n', phoneHomeUrl: 'http://10.77.0.1:5248/phone-home/k7x2mp/t' };

test('every file that a folder lists is there, and no other', () => {
  for (const given of [from, { ...from, userData: null, deployment: { ...deployment, sshKeys: [] } }]) {
    const list = (path: string): string[] => (renderMetadata(path, given) ?? '').trim().split('\n');
    for (const name of list('').filter((one) => !one.endsWith('/'))) assert.ok(renderMetadata(name, given) !== undefined, name);
    for (const name of list('meta-data/')) assert.ok(renderMetadata(`meta-data/${name}`, given) !== undefined, name);
  }
  const bare = { ...from, userData: null, deployment: { ...deployment, sshKeys: [] } };
  assert.deepEqual(['user-data', 'meta-data/public-keys', 'meta-data', 'meta-data/instance-id/', '../x'].map((path) => renderMetadata(path, bare)), Array(5).fill(undefined));
});

test('both data sources carry the same vendor-data', () => {
  const vendor = JSON.parse(renderMetadata('meta-data/vendor-data', from) ?? '') as { 'cloud-init': string };
  assert.equal(vendor['cloud-init'], renderSeed({ ...from, deployment })['vendor-data']);
});

test('the file on the disk: a list of one line, credentials, reporting, and the network', () => {
  const credentials = { consumerKey: 'k7x2mp.a', tokenKey: 'b', tokenSecret: 'c' };
  const lines = datasourceConfig({ baseUrl: 'http://10.77.0.1:5248', node, credentials }, from).split('\n');
  assert.equal(lines[1], 'datasource_list: [ MAAS, None ]');
  const said = Object.fromEntries(lines.slice(2, -1).map((line) => [line.split(':')[0], JSON.parse(line.replace(/^\w+: /, ''))]));
  assert.deepEqual(said['datasource'], { MAAS: { metadata_url: 'http://10.77.0.1:5248/MAAS/metadata/', consumer_key: 'k7x2mp.a', token_key: 'b', token_secret: 'c', consumer_secret: '' } });
  assert.equal(said['reporting'].maas.endpoint, 'http://10.77.0.1:5248/MAAS/metadata/status/k7x2mp');
  assert.deepEqual(said['network'], JSON.parse(renderSeed({ ...from, deployment })['network-config']));
});

const grant: Grant = { credentials: 'h', deployment, network: 'lan1', address: null, claimedFrom: '10.77.0.9' as IpAddress };
const done = { attempt: 3, outcome: 'succeeded', phoneHome: { hash: 'x', spent: false }, grant } as unknown as Ledger;
const written = policy({ answer: 'local', operation: null });
for (const [what, ledger, said, why] of [
  ['the attempt is done', done, written, 'open'],
  ['the policy lags behind the ledger', done, policy({ attempt: 3 }), 'open'],
  ['no ledger', undefined, written, 'not-granted'],
  ['the seed was not claimed', { ...done, grant: undefined }, written, 'not-granted'],
  ['the agent still works', { ...done, outcome: null }, written, 'attempt-not-done'],
  ['the attempt failed', { ...done, outcome: 'failed' }, written, 'attempt-not-done'],
  ['the machine has called', { ...done, phoneHome: { hash: 'x', spent: true } }, written, 'phoned-home'],
  ['the machine is released', done, policy({ status: 'Releasing', answer: 'hold', operation: null }), 'not-deploying'],
  ['the machine is removed', done, undefined, 'not-deploying'],
  ['a newer attempt was ordered', done, policy({ attempt: 4 }), 'superseded'],
] as const) {
  test(`window: ${what}: ${why}`, () => {
    const window = windowOf(ledger as Ledger | undefined, said);
    assert.equal(window.open ? 'open' : window.why, why);
  });
}

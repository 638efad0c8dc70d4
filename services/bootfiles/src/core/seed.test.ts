import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment as DeploymentSchema, lazyCheck, type Deployment } from '@ironbus/contracts';
import { deployment, mac, network, node } from '../../test/fixtures.ts';
import { renderSeed, type SeedFile } from './seed.ts';

const seedOf = (changes: Partial<Deployment> = {}, userData: string | null = null): Record<SeedFile, string> =>
  renderSeed({ deployment: { ...deployment, ...changes }, node, mac, network, address: undefined, userData, phoneHomeUrl: undefined });
const vendorOf = (changes: Partial<Deployment>): Record<string, unknown> => JSON.parse(seedOf(changes)['vendor-data'].replace('#cloud-config\n', '')) as Record<string, unknown>;
const keysOf = (changes: Partial<Deployment>): unknown => (JSON.parse(seedOf(changes)['meta-data']) as Record<string, unknown>)['public-keys'];

test('the image’s user is the default user: locked password, sudo, and root’s login left to the image', () => {
  const vendor = vendorOf({ user: 'ops' });
  assert.deepEqual(vendor['user'], { name: 'ops', lock_passwd: true, sudo: 'ALL=(ALL) NOPASSWD:ALL' });
  assert.equal('disable_root' in vendor, false);
  assert.deepEqual(keysOf({ user: 'ops' }), deployment.sshKeys);
});

test('keys for root: root may log in by them, and no default user is asked for', () => {
  const vendor = vendorOf({ user: 'root' });
  assert.deepEqual([vendor['disable_root'], 'user' in vendor], [false, false]);
  assert.deepEqual(keysOf({ user: 'root' }), deployment.sshKeys);
});

test('a deployment recorded before it had a user is valid, and leaves accounts to the image', () => {
  assert.deepEqual(lazyCheck(DeploymentSchema)(deployment), []);
  const vendor = vendorOf({});
  assert.deepEqual(['user' in vendor, 'disable_root' in vendor], [false, false]);
  assert.notDeepEqual(lazyCheck(DeploymentSchema)({ ...deployment, user: 'Not A User' }), []);
});

test('what the owner says of accounts is handed over as it is, apart from ours, so that cloud-init lets it win', () => {
  const own = '#cloud-config\nuser: bob\ndisable_root: true\n';
  for (const user of ['ops', 'root']) assert.equal(seedOf({ user }, own)['user-data'], own);
});

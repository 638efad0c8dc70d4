import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bmcAddress, defineLab, labNetworks } from './lab.ts';
import { networkPlan } from './network.ts';

const settings = { stateRoot: '/state' };

test('two labs with different prefix and base share no name and no network', () => {
  const one = defineLab(settings);
  const two = defineLab({ ...settings, prefix: 'other', base: '10.78' });
  assert.notEqual(one.hostLink.host, two.hostLink.host);
  assert.deepEqual(labNetworks(one).filter((network) => labNetworks(two).includes(network)), []);
  assert.deepEqual(Object.values(one.namespaces), ['ironbus-lab-rack', 'ironbus-lab-prov', 'ironbus-lab-rtr']);
  assert.equal(two.dir, '/state/other');
});

test('names fit the kernel: an interface has 15 characters at most', () => {
  const lab = defineLab({ ...settings, prefix: 'a-prefix-as-long-as-one-can-be' });
  assert.ok(lab.hostLink.host.length <= 15);
});

for (const [name, wrong] of [
  ['a prefix with a slash', { prefix: '../x' }],
  ['an empty prefix', { prefix: '' }],
  ['a public base', { base: '8.8' }],
  ['an octet too large', { base: '10.256' }],
  ['172.32 is public', { base: '172.32' }],
] as const) {
  test(`refused: ${name}`, () => assert.throws(() => defineLab({ ...settings, ...wrong }), RangeError));
}

test('BMC addresses start behind the fixed ones and end inside the network', () => {
  const lab = defineLab(settings);
  assert.equal(bmcAddress(lab, 0), '10.77.9.11');
  assert.equal(bmcAddress(lab, 200), '10.77.9.211');
  assert.throws(() => bmcAddress(lab, 201), RangeError);
});

test('the router appears in the plan only when asked for', () => {
  const words = (router: boolean): string => JSON.stringify(networkPlan(defineLab({ ...settings, router })));
  assert.ok(!words(false).includes('-rtr'));
  assert.ok(words(true).includes('link add r1 netns ironbus-lab-rtr'));
  assert.ok(words(true).includes('route add 10.77.1.0/24 via 10.77.0.254'));
});

test('the host reaches the machines through prov', () => {
  const host = networkPlan(defineLab(settings)).filter((batch) => batch.where === 'host').at(-1);
  assert.ok(host?.lines.includes('route add 10.77.0.0/24 via 10.77.8.2'));
});

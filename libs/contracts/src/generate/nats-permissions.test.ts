import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bindingsBucket, bmcBucket, networksBucket } from '../buckets.ts';
import { leaseGranted } from '../events/lease.ts';
import { nodeTransitioned } from '../events/node.ts';
import { powerChanged, powerRequested } from '../events/power.ts';
import { defineManifest } from '../manifest.ts';
import { natsPermissions, natsUser } from './nats-permissions.ts';

const dhcp = defineManifest({ service: 'dhcp', publishes: [leaseGranted], consumes: [], writes: [bindingsBucket], watches: [networksBucket, bindingsBucket] });
const power = defineManifest({ service: 'power', publishes: [powerChanged], consumes: [{ durable: 'power-apply-request', events: [powerRequested] }], writes: [], watches: [bmcBucket] });
const lifecycle = defineManifest({ service: 'lifecycle', publishes: [nodeTransitioned], consumes: [{ durable: 'lifecycle-advance-node', events: [powerChanged] }], writes: [], watches: [] });

test('a rack service publishes its own types under its own rack only', () => {
  const { publish, subscribe } = natsPermissions(dhcp, 'rack7');
  assert.ok(publish.includes('lease.granted.rack7.>'));
  assert.ok(publish.includes('$KV.bindings.rack7.>'));
  assert.deepEqual(publish.filter((subject) => subject.startsWith('$KV.')), ['$KV.bindings.rack7.>']);
  assert.deepEqual(subscribe, ['_INBOX_rack7-dhcp.>', 'power.changed.rack7.*']);
});

test('no subject that a rack may publish has a wildcard in its first two tokens', () => {
  for (const manifest of [dhcp, power]) {
    for (const subject of natsPermissions(manifest, 'rack7').publish) assert.doesNotMatch(subject.split('.').slice(0, 2).join('.'), /[*>]/, subject);
  }
});

test('a durable is named; a rack’s durable carries the rack’s name', () => {
  assert.ok(natsPermissions(lifecycle, 'rack7').publish.includes('$JS.API.CONSUMER.MSG.NEXT.FACTS.lifecycle-advance-node'));
  assert.ok(natsPermissions(power, 'rack7').publish.includes('$JS.ACK.FACTS.power-apply-request-rack7.>'));
  assert.ok(natsPermissions(power, 'rack7').publish.includes('dead.power-apply-request-rack7.>'));
});

test('only region services make streams and buckets', () => {
  const creates = (subjects: readonly string[]): number => subjects.filter((subject) => subject.includes('.STREAM.CREATE.')).length;
  assert.equal(creates(natsPermissions(dhcp, 'rack7').publish), 0);
  assert.ok(creates(natsPermissions(lifecycle, 'rack7').publish) > 3);
});

test('region services carry the region’s name', () => {
  assert.equal(natsUser('lifecycle', 'rack7'), 'region-lifecycle');
  assert.ok(natsPermissions(lifecycle, 'rack7').publish.includes('node.transitioned.region.>'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hardwareKey, mintHostname } from './identity.ts';
import { laneOf } from './lane.ts';
import type { LifecycleEvent } from './record.ts';
import { asks, checkedIn, claimed, event, inventoried, mac, otherMac, phonedHome, powerChanged, reported } from './test/story.ts';

const withNode = (one: LifecycleEvent, nodeid: string): LifecycleEvent => ({ ...one, nodeid, subject: nodeid }) as LifecycleEvent;
const keys = (one: LifecycleEvent): readonly string[] => {
  const lane = laneOf(one);
  assert.notEqual(lane, 'alone');
  return lane as readonly string[];
};
const shares = (a: LifecycleEvent, b: LifecycleEvent): boolean => keys(a).some((key) => keys(b).includes(key));
const stranger = { mac: '52:54:00:99:00:01', uuid: 'c0ffee00-0001-4c3d-9e8f-aabbccddee01', serial: 'OTHER-1' };

test('facts of different new machines go side by side', () => {
  assert.equal(shares(checkedIn(0), checkedIn(0, 0, stranger)), false);
});

test('facts that may be about one machine keep their order', () => {
  const rows: [string, LifecycleEvent, LifecycleEvent][] = [
    ['one MAC, before and after it has a node', checkedIn(0), withNode(claimed(1, 'inventory'), 'k7x2mp')],
    ['one MAC, check-in and inventory', checkedIn(0), inventoried(0)],
    ['two cards of one node', withNode(checkedIn(1), 'k7x2mp'), withNode(event('node.phoned-home', { ...phonedHome(1).data, mac: otherMac }), 'k7x2mp')],
    ['a card that the inventory names', inventoried(0), checkedIn(0, 0, { ...stranger, mac: otherMac })],
    ['one serial and UUID behind two MACs', checkedIn(0), checkedIn(0, 0, { mac: stranger.mac })],
    ['power and machine of one node', withNode(powerChanged(1, 'on', 'on'), 'k7x2mp'), withNode(reported(1, 'inventory'), 'k7x2mp')],
  ];
  for (const [name, a, b] of rows) assert.equal(shares(a, b), true, name);
});

test('two machines that would get one name are named in the order of the log', () => {
  const first = checkedIn(0);
  assert.ok(keys(first).includes(`name ${mintHostname(first.id, 0)}`));
  assert.equal(keys(withNode(first, 'k7x2mp')).some((key) => key.startsWith('name ')), false, 'a node has its name');
});

test('a serial that proves nothing joins nobody', () => {
  assert.equal(hardwareKey({ uuid: stranger.uuid, serial: 'To be filled by O.E.M.' }), undefined);
  const vague = { uuid: stranger.uuid, serial: 'To be filled by O.E.M.' };
  assert.equal(shares(checkedIn(0, 0, { ...vague, mac: stranger.mac }), checkedIn(0, 0, { ...vague, mac: otherMac })), false);
});

test('a request is alone: it may name a node that a fact of another key made just before', () => {
  assert.equal(laneOf(asks('accept')), 'alone');
  assert.equal(laneOf(withNode(asks('create', { macs: [mac] }), 'k7x2mp')), 'alone');
});

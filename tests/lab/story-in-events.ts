/** Assertions on the log of a lab: the whole story is there, in order, with one boot id per boot. */
import assert from 'node:assert/strict';
import type { Envelope } from '@ironbus/contracts';

/** The first of each of these types appears in this order. */
export function assertOrder(events: readonly Envelope[], types: readonly string[]): void {
  const firsts = types.map((type) => events.findIndex((event) => event.type === type));
  for (const [index, type] of types.entries()) assert.notEqual(firsts[index], -1, `no ${type} in the log`);
  assert.deepEqual(firsts.toSorted((a, b) => a - b), firsts, `not in order: ${types.join(', ')}`);
}

/** What every network boot has to leave behind under its one boot id; a lease is granted the first time and renewed later. */
const partsOfABoot = ['dhcp.discover', 'lease.offered', 'boot.script-served', 'boot.file-served', 'node.checked-in'];

/** Every check-in has a boot id of its own, and everything that led to it carries the same one. */
export function assertOneIdPerBoot(events: readonly Envelope[], more: readonly string[] = []): void {
  const boots = Map.groupBy(events.filter((event) => event.bootid !== undefined), (event) => event.bootid);
  const checkIns = events.filter((event) => event.type === 'node.checked-in');
  assert.ok(checkIns.length > 0 && checkIns.every((event) => event.bootid !== undefined), 'a check-in without a boot id');
  assert.equal(new Set(checkIns.map((event) => event.bootid)).size, new Set(checkIns.map((event) => event.id)).size, 'two boots share a boot id');
  for (const { bootid } of checkIns) {
    const types = new Set(boots.get(bootid)?.map((event) => event.type));
    const missing = [...partsOfABoot, ...more].filter((type) => !types.has(type));
    assert.deepEqual(missing, [], `boot ${bootid} has ${[...types].join(', ')}`);
    assert.ok(types.has('lease.granted') || types.has('lease.renewed'), `boot ${bootid} has no lease`);
  }
}

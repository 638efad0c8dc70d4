/**
 * Notes what an answer is made of, so that it can be said later whether it would be made again: every value of a view by identity (a changed
 * one is another object), every record of Redis by its version. What goes through the recorded context is noted by itself: there is no list
 * of inputs that could lack one. Not noted, because it can not be: the kernel's neighbour table, and addresses of sockets.
 */
import { macToken } from '@ironbus/contracts';
import type { Context } from './context.ts';
import type { Seen } from './records.ts';
import type { ReadViews } from './views.ts';

type Reading = { view: { get(key: string): unknown }; key: string; was: unknown };
export type Recording = {
  context: Context;
  /** True while everything that was read through `context` would be read again. */
  holds(): boolean;
};

export function record(context: Context): Recording {
  const { views, ledgers } = context;
  const [heard, away] = [views.heard(), views.away()];
  const readings: Reading[] = [];
  const seen: Seen = new Map();
  let comparable = true;
  const noted = <Value>(view: { get(key: string): Value; entries(): IterableIterator<[string, NonNullable<Value>]> }) => ({
    get: (key: string): Value => {
      const was = view.get(key);
      if (!readings.some((reading) => reading.key === key && reading.view === view)) readings.push({ view, key, was });
      return was;
    },
    // A whole bucket has nothing that could be compared cheaply.
    entries: () => {
      comparable = false;
      return view.entries();
    },
  });
  const policies = noted(views.policies);
  const recorded: ReadViews = {
    networks: noted(views.networks), policies, images: noted(views.images), bindings: noted(views.bindings), deployData: noted(views.deployData),
    profiles: noted(views.profiles), layers: noted(views.layers), racks: noted(views.racks),
    policyOf: (mac) => policies.get(macToken(mac)), heard: () => heard, away: () => away,
  };
  return {
    context: {
      ...context, views: recorded,
      ledgers: { ...ledgers, read: (name) => ledgers.read(name, seen), tokenFor: (mac, wanted) => ledgers.tokenFor(mac, wanted, seen) },
    },
    holds: () => comparable && views.heard() === heard && views.away() === away && ledgers.still(seen)
      && readings.every(({ view, key, was }) => view.get(key) === was),
  };
}

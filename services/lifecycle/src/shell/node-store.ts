/** Nodes in Redis: which record an event is about, and what of its claims belongs to others. Keys are `node:<id>`. */
import type { Mac } from '@ironbus/contracts';
import { macToken } from '@ironbus/contracts';
import { lookup, outboxKey, outboxLua, encodeRows, read, type Row, type Store, type StoredRecord } from '@ironbus/store';
import { hardwareKey, isSameMachine } from '../core/identity.ts';
import type { LifecycleEvent, NodeRecord, What } from '../core/record.ts';

export type Found = StoredRecord<NodeRecord>;

export const nodePrefix = 'node:';
export const recordKeyOf = (id: string): string => `${nodePrefix}${id}`;
export const macIndex = (mac: string): string => `mac:${macToken(mac as Mac)}`;
export const nameIndex = (name: string): string => `name:${name}`;
export const hardwareIndex = (key: string): string => `hardware:${key}`;

const readNode = (store: Store, id: string): Promise<Found | undefined> => read<NodeRecord>(store, recordKeyOf(id));

async function readBy(store: Store, index: string): Promise<Found | undefined> {
  const id = await lookup(store, index);
  return id === undefined ? undefined : readNode(store, id);
}

/** The node an input is about: by its id, then its MAC, then serial and UUID together; undefined where there is none. */
export async function findNode(store: Store, what: What, deadlineKey?: string): Promise<Found | undefined> {
  if (what.kind === 'deadline') return deadlineKey === undefined ? undefined : read<NodeRecord>(store, deadlineKey);
  const { event } = what;
  const id = event.nodeid ?? event.subject;
  const named = id.startsWith('mac-') ? undefined : await readNode(store, id);
  if (named !== undefined) return named;
  if (event.type === 'node.create-requested') return findAny(store, event.data.macs);
  if (!('mac' in event.data)) return undefined;
  return await readBy(store, macIndex(event.data.mac)) ?? await findByHardware(store, event);
}

async function findAny(store: Store, macs: readonly Mac[]): Promise<Found | undefined> {
  const found = await Promise.all(macs.map((mac) => readBy(store, macIndex(mac))));
  return found.find((record) => record !== undefined);
}

async function findByHardware(store: Store, event: LifecycleEvent): Promise<Found | undefined> {
  const machine = event.type === 'node.checked-in' ? event.data : event.type === 'node.inventory-reported' ? event.data.inventory.dmi : undefined;
  const key = machine === undefined ? undefined : hardwareKey(machine);
  const found = key === undefined ? undefined : await readBy(store, hardwareIndex(key));
  if (found === undefined || !('mac' in event.data) || isSameMachine(found.value, event.data.mac)) return found;
  store.log.warn({ node: found.value.node.id, mac: event.data.mac }, 'a machine has the serial and uuid of a node, but a mac that is not in its inventory: it becomes a node of its own');
  return undefined;
}

type Taken = { macs: Set<string>; names: Set<string> };

/** Which of the MACs and names in an input belong to nodes other than `own`. */
export async function findTaken(store: Store, what: What, own: string | undefined): Promise<Taken> {
  const { macs, names } = what.kind === 'event' ? touched(what.event) : { macs: [], names: [] };
  const foreign = async (index: string): Promise<boolean> => ![undefined, own].includes(await lookup(store, index));
  const takenOf = async (items: readonly string[], indexOf: (item: string) => string): Promise<Set<string>> => {
    const flags = await Promise.all(items.map((item) => foreign(indexOf(item))));
    return new Set(items.filter((_, position) => flags[position]));
  };
  return { macs: await takenOf(macs, macIndex), names: await takenOf(names, nameIndex) };
}

function touched(event: LifecycleEvent): { macs: string[]; names: string[] } {
  const names = 'hostname' in event.data && event.type.endsWith('-requested') && typeof event.data.hostname === 'string' ? [event.data.hostname] : [];
  if (event.type === 'node.create-requested') return { names, macs: event.data.macs };
  if (event.type === 'node.inventory-reported') return { names, macs: [event.data.mac, ...event.data.inventory.nics.map((nic) => nic.mac)] };
  return { names, macs: event.type === 'node.checked-in' ? [event.data.mac] : [] };
}

const goneKey = (store: Store, mac: string): string => store.key('gone', macToken(mac as Mac));

/** Before a node is forgotten: events from before `at` must not bring its machine back while they still count (twice `staleSeconds`, for clocks that differ). */
export async function markGone(store: Store, macs: readonly string[], at: Date, staleSeconds: number): Promise<void> {
  await Promise.all(macs.map((mac) => store.redis.set(goneKey(store, mac), at.toISOString(), 'EX', staleSeconds * 2)));
}

/** When a node with one of the MACs of this input was last forgotten. */
export async function findGone(store: Store, what: What): Promise<string | null> {
  const macs = what.kind === 'event' ? touched(what.event).macs : [];
  const times = await Promise.all(macs.map((mac) => store.redis.get(goneKey(store, mac))));
  return times.filter((time) => time !== null).toSorted().at(-1) ?? null;
}

/** The indexes that lead to a record. */
export function indexesOf({ node }: NodeRecord): string[] {
  const key = hardwareKey(node);
  return [...node.macs.map(macIndex), nameIndex(node.hostname), ...(key === undefined ? [] : [hardwareIndex(key)])];
}

/** Puts rows into the outbox with no change of a record; `lane` orders them. */
export async function addRows(store: Store, lane: string, rows: readonly Row[]): Promise<void> {
  const script = store.script('lifecycle-add-rows', { keys: 1, lua: `${outboxLua}\nadd_rows(KEYS[1], ARGV[1], ARGV[2])\nreturn 1` });
  await script([outboxKey(store)], [lane, encodeRows(rows)]);
  store.rowsAdded();
}

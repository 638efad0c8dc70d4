/**
 * The streams and buckets Ironbus stands on. Created where missing, widened where the catalogue grew, refused where they
 * can not be mended. The server's answer is compared with what was asked: old servers drop settings silently.
 * Safe to call from several services at once, and again: nothing is ever removed or narrowed.
 */
import { DiscardPolicy, JetStreamApiError, PersistMode, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { IronbusError, type BucketDefinition, type EventDefinition } from '@ironbus/contracts';
import type { Session } from './connect.ts';
import { asBusError } from './publish.ts';
import { seconds } from './types.ts';

export type Limits = { factsBytes: number; observationsBytes: number; deadBytes: number };
export const standardLimits: Limits = { factsBytes: 1024 ** 3, observationsBytes: 256 * 1024 ** 2, deadBytes: 64 * 1024 ** 2 };
export type Topology = { catalog: readonly EventDefinition[]; buckets: readonly BucketDefinition[]; limits?: Partial<Limits> };
export type Wanted = Pick<StreamConfig, 'name' | 'subjects' | 'storage' | 'retention' | 'discard' | 'max_age' | 'max_bytes' | 'max_msgs_per_subject' | 'duplicate_window'> & Partial<StreamConfig>;

const day = 24 * 3600;
const tries = 8;

/** What the catalogue needs, as data. */
export function wantedStreams({ catalog, buckets, limits }: Topology): Wanted[] {
  const { factsBytes, observationsBytes, deadBytes } = { ...standardLimits, ...limits };
  const subjects = (stream: string): string[] => catalog.filter((type) => type.stream === stream).map((type) => `${type.type}.*.*`).sort();
  const log = { storage: StorageType.File, retention: RetentionPolicy.Limits, discard: DiscardPolicy.Old, max_msgs_per_subject: -1, duplicate_window: seconds(120), allow_direct: true };
  return [
    { ...log, name: 'FACTS', subjects: subjects('FACTS'), max_age: 0, max_bytes: factsBytes, allow_atomic: true },
    // a server with `sync_interval: always` syncs FACTS for each ack or batch (docs/adr/0012); observations need not wait
    { ...log, name: 'OBSERVATIONS', subjects: subjects('OBSERVATIONS'), max_age: seconds(day), max_bytes: observationsBytes, persist_mode: PersistMode.Async },
    { ...log, name: 'DEAD', subjects: ['dead.>'], max_age: seconds(7 * day), max_bytes: deadBytes },
    ...buckets.map(bucketStream),
  ].filter((stream) => stream.subjects.length > 0);
}

/** A key-value bucket is a stream of this shape (ADR-8 of nats-architecture-and-design). */
function bucketStream(definition: BucketDefinition): Wanted {
  return {
    name: `KV_${definition.bucket}`, subjects: [`$KV.${definition.bucket}.>`], storage: StorageType.File, retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New, max_msgs_per_subject: definition.history, max_age: 0, max_bytes: -1, duplicate_window: seconds(120),
    allow_rollup_hdrs: true, deny_delete: true, allow_direct: true, description: definition.doc,
  };
}

/** What to change in `found`, or why it can not be mended; undefined where it is as wanted. */
export function mend(found: StreamConfig, wanted: Wanted): { change: Partial<StreamConfig> } | { broken: string } | undefined {
  if (found.mirror !== undefined) return undefined; // a leaf's copy: its origin says what is in it
  for (const field of ['storage', 'retention'] as const) {
    if (found[field] !== wanted[field]) return { broken: `${wanted.name} has ${field} ${found[field]}, but needs ${wanted[field]}: move its data and delete it` };
  }
  if (found.sealed === true) return { broken: `${wanted.name} is sealed: nothing can be written to it` };
  const change: Partial<StreamConfig> = {};
  const missing = wanted.subjects.filter((subject) => !(found.subjects ?? []).includes(subject));
  if (missing.length > 0) change.subjects = [...(found.subjects ?? []), ...missing].sort();
  for (const field of ['discard', 'max_age', 'max_bytes', 'duplicate_window', 'allow_direct', 'allow_rollup_hdrs', 'allow_atomic'] as const) {
    if (wanted[field] !== undefined && found[field] !== wanted[field]) Object.assign(change, { [field]: wanted[field] });
  }
  if (found.max_msgs_per_subject < wanted.max_msgs_per_subject) change.max_msgs_per_subject = wanted.max_msgs_per_subject;
  return Object.keys(change).length > 0 ? { change } : undefined;
}

/** Makes the streams and buckets so. Throws BUS_TOPOLOGY for what needs a person, BUS_UNREACHABLE for what needs time. */
export async function applyTopology(session: Session, topology: Topology): Promise<void> {
  for (const wanted of wantedStreams(topology)) await ensureStream(session, wanted);
}

async function ensureStream({ jsm }: Session, wanted: Wanted): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await jsm.streams.info(wanted.name).catch((error: unknown) => codeOf(error) === codes.streamNotFound ? undefined : Promise.reject(error));
      if (found === undefined) await jsm.streams.add(wanted);
      else {
        const need = mend(found.config, wanted);
        if (need === undefined) return;
        if ('broken' in need) throw new IronbusError('BUS_TOPOLOGY', need.broken);
        await jsm.streams.update(wanted.name, need.change);
      }
    } catch (error) {
      if (codeOf(error) !== codes.nameInUse) throw asTopologyError(error, wanted.name);
    }
    if (attempt === tries) throw new IronbusError('BUS_TOPOLOGY', `${wanted.name} does not become as asked: the server ignores a setting, or two versions of Ironbus disagree`);
  }
}

/** nats-server's errors.json. */
const codes = { streamNotFound: 10059, nameInUse: 10058, subjectsOverlap: 10065, noRoom: 10047, invalidConfig: 10052, limitsReached: 10049 };
const lasting: readonly number[] = [codes.subjectsOverlap, codes.noRoom, codes.invalidConfig, codes.limitsReached];
const codeOf = (error: unknown): number | undefined => error instanceof JetStreamApiError ? error.code : undefined;

function asTopologyError(error: unknown, stream: string): IronbusError {
  const code = codeOf(error);
  if (code === undefined || !lasting.includes(code)) return asBusError(error, `setting up ${stream}`);
  const hint = code === codes.noRoom ? ' (give JetStream more max_file_store, or Ironbus smaller limits)' : '';
  return new IronbusError('BUS_TOPOLOGY', `${stream} can not be set up: ${(error as Error).message}${hint}`, { cause: error, detail: `error ${code}` });
}

/** One bucket: values checked by its schema both ways; only the owner writes. Conflicts are values, not errors. */
import { Kvm, type KV, type KvEntry } from '@nats-io/kv';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { IronbusError, type BucketDefinition, type Origin, type ValueOf } from '@ironbus/contracts';
import type { Link, Session } from './connect.ts';
import { parseJson } from './messages.ts';
import { asBusError, orLost } from './publish.ts';

export type Bucket<B extends BucketDefinition> = {
  /** The new revision. */
  put(key: string, value: ValueOf<B>): Promise<number>;
  /** Undefined where there is no such key, or its value does not satisfy the schema (then it is logged). */
  get(key: string): Promise<{ value: ValueOf<B>; revision: number } | undefined>;
  /** The new revision; undefined where the key is there already. */
  create(key: string, value: ValueOf<B>): Promise<number | undefined>;
  /** The new revision; undefined where the key is no longer at `revision`. */
  update(key: string, value: ValueOf<B>, revision: number): Promise<number | undefined>;
  delete(key: string): Promise<void>;
  keys(): Promise<string[]>;
};

const listTimeoutMs = 10_000;

export function openBucket<B extends BucketDefinition>(link: Link, origin: Origin, definition: B): Bucket<B> {
  let opened: { session: Session; kv: Promise<KV> } | undefined;
  const withKv = async <T>(doing: string, task: (kv: KV) => Promise<T>): Promise<T> => {
    const session = link.require();
    if (opened?.session !== session) opened = { session, kv: new Kvm(session.js).open(definition.bucket, { allow_direct: true }) };
    const mine = opened;
    try {
      return await orLost(session, mine.kv.then(task));
    } catch (error) {
      if (opened === mine && !isConflict(error)) opened = undefined;
      throw isConflict(error) ? error : asBusError(error, `${doing} in bucket ${definition.bucket}`);
    }
  };
  const write = (key: string, value: ValueOf<B>): string => {
    refuseForeign(definition, origin);
    checkKey(definition, key);
    return encodeValue(definition, key, value);
  };
  return {
    put: async (key, value) => { const text = write(key, value); return withKv(`put of ${key}`, (kv) => kv.put(key, text)); },
    create: async (key, value) => { const text = write(key, value); return orConflict(withKv(`create of ${key}`, (kv) => kv.create(key, text))); },
    update: async (key, value, revision) => {
      const text = write(key, value);
      return orConflict(withKv(`update of ${key}`, (kv) => kv.update(key, text, revision)));
    },
    delete: async (key) => {
      refuseForeign(definition, origin);
      checkKey(definition, key);
      await withKv(`delete of ${key}`, (kv) => kv.delete(key));
    },
    get: async (key) => {
      checkKey(definition, key);
      return readEntry(link, definition, await withKv(`get of ${key}`, (kv) => kv.get(key)));
    },
    keys: () => withKv('listing of keys', listKeys),
  };
}

/** Checks one stored value. */
export function decodeValue<B extends BucketDefinition>(definition: B, data: Uint8Array): { ok: true; value: ValueOf<B> } | { ok: false; why: { path: string; message: string }[] } {
  const value = parseJson(data);
  const why = value === undefined ? [{ path: '/', message: 'is not JSON' }] : definition.check(value);
  return why.length > 0 ? { ok: false, why } : { ok: true, value: value as ValueOf<B> };
}

function encodeValue(definition: BucketDefinition, key: string, value: unknown): string {
  const why = definition.check(value);
  if (why.length === 0) return JSON.stringify(value);
  const text = why.map((violation) => `${violation.path} ${violation.message}`).join('; ');
  throw new IronbusError('EVENT_INVALID', `${definition.bucket}/${key} was not put: ${text}`);
}

function refuseForeign(definition: BucketDefinition, origin: Origin): void {
  if (definition.owner === origin.service) return;
  throw new IronbusError('EVENT_FOREIGN', `${origin.service} may not write bucket ${definition.bucket}: its owner is ${definition.owner}`);
}

function checkKey(definition: BucketDefinition, key: string): void {
  if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(key)) return;
  throw new IronbusError('EVENT_INVALID', `${JSON.stringify(key)} is no key for bucket ${definition.bucket}: use [a-z0-9_-] and single dots`);
}

function readEntry<B extends BucketDefinition>(link: Link, definition: B, entry: KvEntry | null): { value: ValueOf<B>; revision: number } | undefined {
  if (entry === null || entry.operation !== 'PUT') return undefined;
  const decoded = decodeValue(definition, entry.value);
  if (decoded.ok) return { value: decoded.value, revision: entry.revision };
  link.log.warn({ bucket: definition.bucket, key: entry.key, revision: entry.revision, violations: decoded.why }, 'a value is invalid');
  return undefined;
}

async function listKeys(kv: KV): Promise<string[]> {
  const found = await kv.keys();
  const timer = setTimeout(() => found.stop(new Error('the list did not end in time')), listTimeoutMs);
  const keys: string[] = [];
  try {
    for await (const key of found) keys.push(key);
  } finally {
    clearTimeout(timer);
  }
  return keys.sort();
}

const conflictCodes: readonly number[] = [JetStreamApiCodes.StreamWrongLastSequence, JetStreamApiCodes.StreamWrongLastSequenceUnknown];
const isConflict = (error: unknown): boolean => error instanceof JetStreamApiError && conflictCodes.includes(error.code);

async function orConflict(writing: Promise<number>): Promise<number | undefined> {
  try {
    return await writing;
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}

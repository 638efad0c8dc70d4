/**
 * A bucket in memory: answers at once and goes on answering while NATS is away. After each reconnect the whole bucket is
 * read again, so that deletions nobody told us about are found; a bucket that was made anew replaces the view.
 * A value that violates the schema is kept out: the key's last good value stays.
 */
import { IronbusError, type BucketDefinition, type ValueOf } from '@ironbus/contracts';
import type { Link } from './connect.ts';
import { decodeValue } from './kv.ts';
import type { Puller } from './keep-pulling.ts';
import { readInOrder, type StreamMoment } from './ordered.ts';
import type { Pulled } from './pull.ts';
import type { Count, Subscription } from './types.ts';

export type WatchOptions<B extends BucketDefinition> = { onChange?: (key: string, value: ValueOf<B> | undefined, revision: number) => void };

export type View<B extends BucketDefinition> = Subscription & {
  get(key: string): ValueOf<B> | undefined;
  /** The revision at which the key got its value. */
  revisionOf(key: string): number | undefined;
  entries(): IterableIterator<[string, ValueOf<B>]>;
  readonly size: number;
  /** The last revision of the bucket that this view has seen. */
  readonly revision: number;
  /** Whether a full copy was read since the process started; it stays true while NATS is away. */
  synced(): boolean;
  whenSynced(): Promise<void>;
  /** Resolves when the view has seen this revision of the bucket, or a later one. */
  reached(revision: number): Promise<void>;
};

type Waiter = { revision: number; resolve: () => void; reject: (error: Error) => void };

const capacity = 512;

export class BucketView<B extends BucketDefinition> implements View<B> {
  readonly #definition: B;
  readonly #link: Link;
  readonly #count: Count;
  readonly #onChange: WatchOptions<B>['onChange'];
  readonly #prefix: string;
  readonly #values = new Map<string, { value: ValueOf<B>; revision: number }>();
  readonly #syncedOnce = Promise.withResolvers<void>();
  readonly #puller: Puller;
  #waiters: Waiter[] = [];
  #revision = 0;
  #synced = false;
  #moment: StreamMoment | undefined;
  /** Keys met in the copy that is being read; undefined once it is complete. */
  #met: Set<string> | undefined;
  #stopped = false;

  constructor(link: Link, definition: B, options: WatchOptions<B>, count: Count) {
    this.#link = link;
    this.#definition = definition;
    this.#count = count;
    this.#onChange = options.onChange;
    this.#prefix = `$KV.${definition.bucket}.`;
    this.#puller = readInOrder({
      link, what: `watch of ${definition.bucket}`, stream: `KV_${definition.bucket}`, filters: [`${this.#prefix}>`],
      room: () => capacity, start: () => ({ from: 'last-per-subject' }),
      onStart: (pending, moment) => this.#beginCopy(pending, moment), onMessage: (message) => this.#onMessage(message),
    });
  }

  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): ValueOf<B> | undefined {
    return this.#values.get(key)?.value;
  }

  revisionOf(key: string): number | undefined {
    return this.#values.get(key)?.revision;
  }

  *entries(): IterableIterator<[string, ValueOf<B>]> {
    for (const [key, { value }] of this.#values) yield [key, value];
  }

  synced(): boolean {
    return this.#synced;
  }

  whenSynced(): Promise<void> {
    return this.#syncedOnce.promise;
  }

  reached(revision: number): Promise<void> {
    if (this.#revision >= revision && this.#synced) return Promise.resolve();
    if (this.#stopped) return Promise.reject(new IronbusError('BUS_UNREACHABLE', `the watch of ${this.#definition.bucket} was stopped`));
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#puller.stop();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(new IronbusError('BUS_UNREACHABLE', `the watch of ${this.#definition.bucket} was stopped`));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #beginCopy(pending: number, moment: StreamMoment): void {
    const anew = this.#moment !== undefined && this.#moment.created !== moment.created;
    if (anew) {
      this.#link.log.warn({ bucket: this.#definition.bucket }, 'the bucket was made anew');
      this.#revision = 0;
      for (const [key, entry] of this.#values) this.#values.set(key, { ...entry, revision: 0 });
    }
    this.#moment = moment;
    this.#met = new Set();
    if (pending === 0) this.#endCopy();
  }

  #endCopy(): void {
    const met = this.#met;
    this.#met = undefined;
    for (const key of [...this.#values.keys()]) if (met !== undefined && !met.has(key)) this.#remove(key, this.#moment?.lastSequence ?? 0);
    this.#synced = true;
    this.#syncedOnce.resolve();
    this.#advance(this.#moment?.lastSequence ?? 0);
  }

  #onMessage(message: Pulled): void {
    const key = message.msg.subject.slice(this.#prefix.length);
    this.#met?.add(key);
    if (isRemoval(message)) this.#remove(key, message.streamSequence);
    else this.#set(key, message);
    if (this.#met === undefined) this.#advance(message.streamSequence);
    else {
      this.#revision = Math.max(this.#revision, message.streamSequence);
      if (message.pending === 0) this.#endCopy();
    }
  }

  #set(key: string, message: Pulled): void {
    const revision = message.streamSequence;
    if (this.#values.get(key)?.revision === revision) return;
    const decoded = decodeValue(this.#definition, message.msg.data);
    if (!decoded.ok) {
      this.#count('value-refused', { bucket: this.#definition.bucket });
      this.#link.log.warn({ bucket: this.#definition.bucket, key, revision, violations: decoded.why }, 'a value is invalid and was kept out');
      return;
    }
    this.#values.set(key, { value: decoded.value, revision });
    this.#tell(key, decoded.value, revision);
  }

  #remove(key: string, revision: number): void {
    if (this.#values.delete(key)) this.#tell(key, undefined, revision);
  }

  #tell(key: string, value: ValueOf<B> | undefined, revision: number): void {
    try {
      this.#onChange?.(key, value, revision);
    } catch (error) {
      this.#link.log.error({ bucket: this.#definition.bucket, key, revision, err: error }, 'a watch handler failed');
    }
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    const due = this.#waiters.filter((waiter) => waiter.revision <= this.#revision);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of due) waiter.resolve();
  }
}

/** A delete, a purge, or the marker that the server leaves where a value expired (ADR-8, ADR-48). */
function isRemoval({ msg }: Pulled): boolean {
  const operation = msg.headers?.get('KV-Operation');
  return operation === 'DEL' || operation === 'PURGE' || (msg.headers?.get('Nats-Marker-Reason') ?? '') !== '';
}

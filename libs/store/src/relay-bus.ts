/** The part of a bus that the relay needs; `relayFace` of @ironbus/bus is one. */
import type { Envelope } from '@ironbus/contracts';
import type { Ready } from './log.ts';

export type RelayBus = {
  ready(): Ready;
  /** Resolves after JetStream's ack. Rejects with code EVENT_INVALID or EVENT_FOREIGN for an event that can never be published. */
  publishEvent(event: Envelope): Promise<{ sequence: number; duplicate: boolean }>;
  /**
   * Stores 2 to 1,000 events in this order, all of them or none, and resolves after the disk has them; `json` is an event's own text.
   * Never rejects: where it answers no (one of them is stored already, the server takes no batches, its answer was lost), each event
   * is published by itself. A bus without it gets every event by itself.
   */
  publishBatch?(events: readonly { event: Envelope; json?: string | undefined }[]): Promise<{ ok: true } | { ok: false; why: string }>;
  /**
   * Writes a value and returns its revision; `null` deletes, the answer is then the revision to expect next.
   * `expectedRevision` (0: there is no value) is the fence: where the key is at another one, it must reject and write nothing.
   */
  putKv(bucket: string, key: string, value: unknown, expectedRevision: number): Promise<number>;
  /** The revision to expect: that of the key's latest value, also of one that no longer satisfies its schema; 0 when there is none. */
  getKvRevision(bucket: string, key: string): Promise<number>;
};

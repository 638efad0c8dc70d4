/** What the bench needs of a DHCP server, ours or another. */
import type { Place } from './place.ts';

export type Server = {
  readonly name: string;
  /** How it was started and set up, for whoever reads the result. */
  readonly flags: string;
  /** Starts it without any lease, ready to answer. */
  start(place: Place): Promise<Running>;
};

export type Running = {
  /** Process ids by name, for their CPU time. */
  readonly processes: Record<string, number>;
  /** What is durable now and once everything is published, and what that took. Asked after the warming up too. */
  finish(): Promise<Aftermath>;
  stop(): Promise<void>;
};

export type Aftermath = {
  leases?: number;
  factsAtEnd?: number;
  factsDrained?: number;
  outboxAtEnd?: number;
  drainSeconds?: number;
  residentMegabytes?: number;
  /** Everything that was ever written to each stream, the warming up too. */
  messages?: Record<string, number>;
};

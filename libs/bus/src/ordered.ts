/**
 * Reading a stream in order, without acknowledgements: an ephemeral consumer that is made anew after every break, where
 * `start` says. A gap in the consumer's own numbering means that a message was lost on the way: also made anew.
 */
import { AckPolicy, DeliverPolicy, type ConsumerConfig } from '@nats-io/jetstream';
import type { Link, Session } from './connect.ts';
import { Puller } from './keep-pulling.ts';
import type { Pulled, Target } from './pull.ts';
import { seconds } from './types.ts';

export type StreamMoment = {
  /** When the stream was made: another value means that sequences count anew. */
  created: string;
  lastSequence: number;
};

export type Start = { from: 'sequence'; sequence: number } | { from: 'last-per-subject' };

export type Ordered = {
  link: Link; what: string; stream: string;
  filters: readonly string[];
  room: () => number;
  start: (moment: StreamMoment) => Start;
  /** After the consumer was made: `pending` messages come before what is new. */
  onStart: (pending: number, moment: StreamMoment) => void;
  onMessage: (message: Pulled) => void;
};

/** Starts reading; the Puller is told of new room, and stopped. */
export function readInOrder(ordered: Ordered): Puller {
  let expected: number | undefined;
  const prepare = async ({ jsm }: Session): Promise<Target> => {
    expected = undefined;
    const { created, state } = await jsm.streams.info(ordered.stream);
    const moment = { created, lastSequence: state.last_seq };
    const consumer = await jsm.consumers.add(ordered.stream, settingsOf(ordered.filters, ordered.start(moment)));
    expected = 1;
    ordered.onStart(consumer.num_pending, moment);
    return { stream: ordered.stream, consumer: consumer.name };
  };
  const onMessage = (message: Pulled): void => {
    if (expected === undefined) return; // a straggler of the consumer before
    if (message.consumerSequence !== expected) {
      expected = undefined;
      puller.restart();
      return;
    }
    expected++;
    ordered.onMessage(message);
  };
  const puller: Puller = new Puller({ link: ordered.link, what: ordered.what, room: ordered.room, prepare, onMessage });
  return puller;
}

function settingsOf(filters: readonly string[], start: Start): Partial<ConsumerConfig> {
  const where = start.from === 'sequence'
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, start.sequence) }
    : { deliver_policy: DeliverPolicy.LastPerSubject };
  return {
    ...where, filter_subjects: [...filters], ack_policy: AckPolicy.None, max_deliver: 1,
    mem_storage: true, num_replicas: 1, inactive_threshold: seconds(60),
  };
}

/** Where a pulled message's acknowledgement goes, and what that subject tells (ADR-15 of nats-architecture-and-design). */
export type Delivery = {
  /** How many times the server delivered the message, 1 at first. */
  deliveries: number;
  streamSequence: number;
  consumerSequence: number;
  /** Nanoseconds since 1970 as text: with the sequence it names a message even after the stream was made anew. */
  timestampNanos: string;
  /** Messages that match the consumer and come after this one. */
  pending: number;
};

/** Reads `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<time>.<pending>`; undefined for anything else. */
export function parseAckSubject(reply: string | undefined): Delivery | undefined {
  const tokens = reply?.split('.') ?? [];
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || (tokens.length !== 9 && tokens.length < 11)) return undefined;
  const at = tokens.length === 9 ? 4 : 6;
  const [deliveries, streamSequence, consumerSequence, , pending] = tokens.slice(at, at + 5).map(Number);
  const timestampNanos = tokens[at + 3];
  if (deliveries === undefined || streamSequence === undefined || consumerSequence === undefined || pending === undefined) return undefined;
  if (timestampNanos === undefined || ![deliveries, streamSequence, consumerSequence, pending].every(Number.isSafeInteger)) return undefined;
  return { deliveries, streamSequence, consumerSequence, timestampNanos, pending };
}

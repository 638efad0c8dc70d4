/**
 * NATS permissions of one service, from its manifest: it publishes what it owns, under its own rack's token, and reaches the
 * streams, durables and buckets that it names. A subject whose first two tokens are wildcards would let a rack forge anything.
 */
import { buckets } from '../buckets.ts';
import type { BucketDefinition } from '../define-bucket.ts';
import type { Manifest } from '../manifest.ts';
import { rackServices, regionToken, type ServiceName } from '../services.ts';

/** Allow lists; what is in neither is refused. */
export type NatsPermissions = { publish: string[]; subscribe: string[] };

type Besides = {
  /** `makes` creates and widens streams and buckets; `checks` only compares them. */
  topology?: 'makes' | 'checks';
  /** Reads a stream from any point on, without a durable. */
  history?: readonly string[];
  /** Follows subjects live. */
  tails?: (place: string) => readonly string[];
};

/** What services do on the bus besides what their manifests say. The api reads whatever subject a person asks for. */
const besides: Partial<Record<ServiceName, Besides>> = {
  api: { topology: 'makes', history: ['FACTS'], tails: () => ['>'] },
  lifecycle: { topology: 'makes' },
  bootfiles: { topology: 'checks' },
  power: { tails: () => ['power.requested.region.*'] },
  dhcp: { topology: 'checks', tails: (rack) => [`power.changed.${rack}.*`] },
};

const streams = ['FACTS', 'OBSERVATIONS', 'DEAD', ...buckets.map((bucket) => `KV_${bucket.bucket}`)];
const api = '$JS.API';

/** The name of a service's NATS user: also the end of its inbox prefix, so it holds no dots. */
export const natsUser = (service: ServiceName, rack: string): string => `${placeOf(service, rack)}-${service}`;

/** Subjects that the service may publish and subscribe to, sorted. `rack` counts for rack services only. */
export function natsPermissions(manifest: Manifest, rack: string): NatsPermissions {
  const { service } = manifest;
  const place = placeOf(service, rack);
  const more = besides[service] ?? {};
  const watched = [...new Set([...manifest.watches, ...manifest.writes])];
  const publish = [
    ...manifest.publishes.map((event) => `${event.type}.${place}.>`),
    ...manifest.consumes.flatMap((consumer) => durableSubjects(isOnRack(service) ? `${consumer.durable}-${rack}` : consumer.durable)),
    ...manifest.watches.flatMap((bucket) => readSubjects(`KV_${bucket.bucket}`)),
    ...watched.flatMap((bucket) => lookUpSubjects(bucket)),
    ...manifest.writes.map((bucket) => isOnRack(service) ? `$KV.${bucket.bucket}.${rack}.>` : `$KV.${bucket.bucket}.>`),
    ...(more.history ?? []).flatMap(readSubjects),
    ...topologySubjects(more.topology),
  ];
  return { publish: sorted(publish), subscribe: sorted([`_INBOX_${natsUser(service, rack)}.>`, ...more.tails?.(place) ?? []]) };
}

const isOnRack = (service: ServiceName): boolean => rackServices.includes(service);
const placeOf = (service: ServiceName, rack: string): string => isOnRack(service) ? rack : regionToken;
const sorted = (subjects: readonly string[]): string[] => [...new Set(subjects)].sort();

/** A durable consumer of FACTS: made, read, acknowledged; its dead letters. A rack's durable carries the rack's name. */
function durableSubjects(durable: string): string[] {
  return [
    `${api}.CONSUMER.DURABLE.CREATE.FACTS.${durable}`, `${api}.CONSUMER.INFO.FACTS.${durable}`, `${api}.CONSUMER.MSG.NEXT.FACTS.${durable}`,
    `$JS.ACK.FACTS.${durable}.>`, `dead.${durable}.>`,
  ];
}

/** An ordered ephemeral consumer of one stream; NATS names it, so its name can not be named here. */
function readSubjects(stream: string): string[] {
  return [`${api}.STREAM.INFO.${stream}`, `${api}.CONSUMER.CREATE.${stream}`, `${api}.CONSUMER.CREATE.${stream}.>`, `${api}.CONSUMER.MSG.NEXT.${stream}.*`];
}

/** Single keys of a bucket. */
function lookUpSubjects({ bucket }: BucketDefinition): string[] {
  return [`${api}.STREAM.INFO.KV_${bucket}`, `${api}.DIRECT.GET.KV_${bucket}`, `${api}.DIRECT.GET.KV_${bucket}.>`, `${api}.STREAM.MSG.GET.KV_${bucket}`];
}

function topologySubjects(topology: Besides['topology']): string[] {
  const verbs = topology === undefined ? [] : topology === 'makes' ? ['INFO', 'CREATE', 'UPDATE'] : ['INFO'];
  return verbs.flatMap((verb) => streams.map((stream) => `${api}.STREAM.${verb}.${stream}`));
}

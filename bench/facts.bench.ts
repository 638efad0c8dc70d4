/**
 * From outbox to stream: how fast the relay empties a full outbox into FACTS with `sync_interval: always`, and what a fact costs in CPU
 * of Node, Redis and nats-server; in batches, and with each fact by itself on the same machine in the same run.
 */
import { ensureTopology, openBus, relayFace, type RelayFace } from '../libs/bus/src/index.ts';
import { buckets, catalog, leaseGranted, makeEvent, type Mac, type Ipv4, type Origin } from '../libs/contracts/src/index.ts';
import { encodeRows, openStore, outboxKey, outboxLua, startRelay, type Store } from '../libs/store/src/index.ts';
import { startNats } from '../libs/testkit/src/nats-server.ts';
import { startRedis } from '../libs/testkit/src/redis.ts';
import { cpuMs } from './dhcp/processes.ts';
import { row, writeResult, type Row } from './result.ts';

const facts = 40_000;
const factsAlone = 10_000;
const origin: Origin = { service: 'dhcp', rack: 'rack1', instance: 'bench' };
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };

type Drain = { perSecond: number; nodeUs: number; redisUs: number; natsUs: number; stored: number };

export async function run(): Promise<readonly Row[]> {
  const together = await drain(facts, (face) => face);
  const alone = await drain(factsAlone, ({ publishBatch: _, ...face }) => face);
  const rows = [
    row('facts from outbox to disk', 'facts/s', 'more', together.perSecond, { 'one by one': alone.perSecond }),
    row('CPU of Node', 'us/fact', 'less', together.nodeUs, { 'one by one': alone.nodeUs }),
    row('CPU of redis-server', 'us/fact', 'less', together.redisUs, { 'one by one': alone.redisUs }),
    row('CPU of nats-server', 'us/fact', 'less', together.natsUs, { 'one by one': alone.natsUs }),
  ];
  writeResult('facts', rows, { samples: { together, alone }, redis: 'appendfsync everysec', nats: 'sync_interval always' });
  return rows;
}

type Face = Omit<RelayFace, 'publishBatch'> & Partial<Pick<RelayFace, 'publishBatch'>>;

/** Fills an outbox, then lets a relay empty it. */
async function drain(count: number, faceOf: (face: RelayFace) => Face): Promise<Drain> {
  await using nats = await startNats();
  await using redis = await startRedis({ appendonly: 'everysec' });
  await using bus = openBus({ servers: nats.url, origin, log: quiet });
  const store = openStore({ url: redis.url, prefix: 'dhcp', log: quiet });
  await Promise.all([ensureTopology(bus, { catalog, buckets }), store.whenReady()]);
  await fill(store, count);
  const before = { node: cpuMs(process.pid), redis: cpuMs(redis.pid), nats: cpuMs(nats.pid), at: performance.now() };
  const relay = startRelay({ store, bus: faceOf(relayFace(bus, buckets)), log: quiet });
  await relay.drained();
  const seconds = (performance.now() - before.at) / 1_000;
  const perFact = (pid: number, since: number): number => (cpuMs(pid) - since) * 1_000 / count;
  const result = {
    perSecond: count / seconds, nodeUs: perFact(process.pid, before.node), redisUs: perFact(redis.pid, before.redis), natsUs: perFact(nats.pid, before.nats),
    stored: (await relay.stats()).published,
  };
  await relay.stop();
  await store.close();
  return result;
}

async function fill(store: Store, count: number): Promise<void> {
  const add = store.script('bench-fill', { keys: 1, lua: `${outboxLua} add_rows(KEYS[1], ARGV[1], ARGV[2])` });
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  for (let n = 0; n < count; n += 500) {
    await Promise.all(Array.from({ length: Math.min(500, count - n) }, (_, at) => {
      const hex = (n + at).toString(16).padStart(6, '0');
      const mac = `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}` as Mac;
      const address = `10.${64 + ((n + at) >> 16)}.${((n + at) >> 8) & 255}.${(n + at) & 255}` as Ipv4;
      const data = { mac, address, network: 'bench', leaseSeconds: 3_600, sequence: 1, expiresAt, client: 'os' };
      const event = makeEvent(leaseGranted, origin, { key: `525400${hex}`, data: data as never });
      return add([outboxKey(store)], [mac, encodeRows([{ kind: 'event', event: event as never }])]);
    }));
  }
}

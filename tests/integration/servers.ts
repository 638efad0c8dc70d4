/** NATS and Redis for a suite: containers where an engine answers, the machine's own programs where none does. */
import { canRunContainers, startNats, startNatsContainer, startRedis, startRedisContainer, type TestServer } from '@ironbus/testkit';

export type Kind = 'containers' | 'local';
export type Servers = AsyncDisposable & { readonly kind: Kind; readonly nats: TestServer; readonly redis: TestServer; stop(): Promise<void> };

/** IRONBUS_TEST_SERVERS=containers|local forces one. Says which it is. Throws for any other word. */
export async function chooseKind(): Promise<Kind> {
  const asked = process.env['IRONBUS_TEST_SERVERS'] ?? '';
  if (asked === 'containers' || asked === 'local') return asked;
  if (asked !== '') throw new Error(`IRONBUS_TEST_SERVERS is containers or local, not ${asked}`);
  return await canRunContainers() ? 'containers' : 'local';
}

export async function startServers(kind?: Kind): Promise<Servers> {
  const chosen = kind ?? await chooseKind();
  console.log(`servers: ${chosen === 'containers' ? 'containers (testcontainers)' : 'local programs'}`);
  const starting: Promise<TestServer>[] = chosen === 'containers' ? [startNatsContainer(), startRedisContainer()] : [startNats(), startRedis()];
  const [nats, redis] = await Promise.all(starting) as [TestServer, TestServer];
  const stop = async (): Promise<void> => { await Promise.all([nats.stop(), redis.stop()]); };
  return { kind: chosen, nats, redis, stop, [Symbol.asyncDispose]: stop };
}

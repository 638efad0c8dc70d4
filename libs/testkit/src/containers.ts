/**
 * NATS and Redis as containers, with the face of the local ones. testcontainers is loaded only when a function here is
 * called: it is large. Containers are removed by `stop`, and when the process ends, so that Ryuk is not needed.
 */
import { spawnSync } from 'node:child_process';
import { freePort } from './redis.ts';
import type { StartedTestContainer } from 'testcontainers';

/** What the local servers and the containers have in common. */
export type TestServer = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** Ends it and removes what it kept. */
  stop(): Promise<void>;
  /** SIGKILL, waits; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
};

type Recipe = { image: string; port: number; scheme: string; command: string[]; says: RegExp; files?: { content: string; target: string }[] };

const startMs = 60_000;
const leftOver = new Set<string>();
process.once('exit', () => { if (leftOver.size > 0) spawnSync('docker', ['rm', '--force', '--volumes', ...leftOver], { stdio: 'ignore' }); });

const natsConf = 'listen: "0.0.0.0:4222"\nmax_payload: 1MB\njetstream { store_dir: "/tmp/ironbus-nats", max_mem: 256MB, max_file: 8GB, sync_interval: always }\n';
const nats: Recipe = {
  image: 'nats:2.15-alpine', port: 4222, scheme: 'nats', command: ['nats-server', '--config', '/ironbus.conf'], says: /Server is ready/,
  files: [{ content: natsConf, target: '/ironbus.conf' }],
};
const redis: Recipe = {
  image: 'redis:8.0', port: 6379, scheme: 'redis', says: /Ready to accept connections/,
  command: ['redis-server', '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
};

/** Whether a container engine answers. Never throws. */
export async function canRunContainers(): Promise<boolean> {
  try {
    await (await load()).getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

export const startNatsContainer = (): Promise<TestServer> => start(nats);
export const startRedisContainer = (): Promise<TestServer> => start(redis);

function load(): Promise<typeof import('testcontainers')> {
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  return import('testcontainers');
}

/** On a port of loopback that stays the same over a restart. Throws where the image can not be had or says nothing in a minute. */
async function start({ image, port: inside, scheme, command, says, files = [] }: Recipe): Promise<TestServer> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await load();
  const port = await freePort();
  const container = await new GenericContainer(image)
    .withExposedPorts({ container: inside, host: port }).withCommand(command).withCopyContentToContainer(files)
    .withWaitStrategy(Wait.forLogMessage(says)).withStartupTimeout(startMs).start();
  leftOver.add(container.getId());
  const kill = async (): Promise<void> => {
    const handle = (await getContainerRuntimeClient()).container.getById(container.getId());
    const ended = handle.wait();
    await handle.kill({ signal: 'SIGKILL' });
    await ended;
  };
  const stop = (): Promise<void> => remove(container);
  return { url: `${scheme}://127.0.0.1:${port}`, port, kill, stop, restart: () => container.restart({ timeout: 0 }), [Symbol.asyncDispose]: stop };
}

async function remove(container: StartedTestContainer): Promise<void> {
  await container.stop({ timeout: 0, remove: true, removeVolumes: true });
  leftOver.delete(container.getId());
}

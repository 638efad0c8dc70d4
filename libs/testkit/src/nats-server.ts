/** A real nats-server with JetStream for tests: own port on loopback, own data folder, gone when stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureNats } from '../../../scripts/fetch-nats.mjs';

export type NatsOptions = {
  /** Kept when given; else a temporary folder that `stop` removes. */
  dataDir?: string;
  port?: number;
  /** On unless told. */
  jetstream?: boolean;
  /** More lines of nats-server's configuration, e.g. authorization. */
  config?: string;
};

export type NatsServer = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** SIGTERM, waits, and removes its temporary folder. */
  stop(): Promise<void>;
  /** SIGKILL, waits; the data stays for `restart`. */
  kill(): Promise<void>;
  /** Starts again on the same port and data; `wipe` starts without data. */
  restart(options?: { wipe?: boolean }): Promise<void>;
};

const root = fileURLToPath(new URL('../../..', import.meta.url));
const startMs = 10_000;
const running = new Set<ChildProcess>();
process.once('exit', () => { for (const child of running) child.kill('SIGKILL'); });

/** Resolves when the server accepts clients. Rejects with the server's own output where it does not within 10 s. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const binary = await ensureNats(process.env['IRONBUS_CACHE'] ?? join(root, '.cache'));
  const folder = await mkdtemp(join(tmpdir(), 'ironbus-nats-'));
  const dataDir = options.dataDir ?? join(folder, 'data');
  const port = options.port ?? await freePort();
  const configFile = join(folder, 'nats.conf');
  await writeFile(configFile, configuration(port, dataDir, options));
  let child = await launch(binary, configFile, port);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  const stop = async (): Promise<void> => {
    await end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `nats://127.0.0.1:${port}`, port, dataDir, stop,
    get pid() { return child.pid ?? 0; },
    kill: () => end('SIGKILL'),
    restart: async ({ wipe = false } = {}) => {
      await end('SIGTERM');
      if (wipe) await rm(dataDir, { recursive: true, force: true });
      child = await launch(binary, configFile, port);
    },
    [Symbol.asyncDispose]: stop,
  };
}

function configuration(port: number, dataDir: string, { jetstream = true, config = '' }: NatsOptions): string {
  const lines = [`listen: "127.0.0.1:${port}"`, 'max_payload: 1MB'];
  if (jetstream) lines.push(`jetstream { store_dir: ${JSON.stringify(dataDir)}, max_mem: 256MB, max_file: 8GB, sync_interval: always }`);
  return [...lines, config, ''].join('\n');
}

async function launch(binary: string, configFile: string, port: number): Promise<ChildProcess> {
  const child = spawn(binary, ['-c', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => { said = (said + chunk.toString('utf8')).slice(-4000); });
  for (const deadline = Date.now() + startMs; Date.now() < deadline; await sleep(20)) {
    if (child.exitCode !== null) break;
    if (said.includes('Server is ready') && await accepts(port)) return child;
  }
  child.kill('SIGKILL');
  throw new Error(`nats-server did not start on port ${port}:\n${said}`);
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A TCP port of loopback that nobody holds now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const closed = once(server, 'close');
  server.close();
  await closed;
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** A real redis-server on a free loopback port, in a directory of its own. `IRONBUS_REDIS_SERVER` names another binary. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

export type RedisOptions = {
  /** Kept after `stop`; without it a temporary one is made and removed. */
  dir?: string;
  port?: number;
  /** `always` (every answer is on disk) unless `everysec`; `off` keeps nothing over a restart. */
  appendonly?: 'always' | 'everysec' | 'off';
  args?: readonly string[];
};

export type RedisServer = {
  readonly url: string;
  readonly port: number;
  /** Of the running server; 0 when it is down. */
  readonly pid: number;
  /** Ends it in an orderly way. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and directory; stops it first when it runs. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Resolves once the server answers PING; throws with its output when it ends before. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const dir = options.dir ?? await mkdtemp(join(tmpdir(), 'ironbus-redis-'));
  const port = options.port ?? await freePort();
  let child: ChildProcess | undefined = await launch(dir, port, options);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child !== undefined) await endProcess(child, signal);
    child = undefined;
  };
  const stop = async (): Promise<void> => {
    await end('SIGTERM');
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`, port,
    get pid() { return child?.pid ?? 0; },
    stop,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM');
      child = await launch(dir, port, options);
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** A TCP port on loopback that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function launch(dir: string, port: number, options: RedisOptions): Promise<ChildProcess> {
  const { appendonly = 'always', args = [] } = options;
  const persistence = appendonly === 'off' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', appendonly];
  const binary = process.env['IRONBUS_REDIS_SERVER'] ?? 'redis-server';
  const child = spawn(binary, ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...persistence, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  let failed: Error | undefined;
  child.once('error', (error) => { failed = error; });
  child.once('exit', (code) => { failed ??= new Error(`redis-server ended with ${code}`); });
  await waitFor(() => failed !== undefined || ping(port), { timeoutMs: 15_000, what: `redis-server on port ${port}` });
  if (failed !== undefined) throw new Error(`redis-server did not start: ${output.join('').slice(-2_000)}`, { cause: failed });
  return child;
}

/** Whether the server says PONG, which it does only after it loaded its data. */
function ping(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (answer: boolean): void => { socket.destroy(); resolve(answer); };
    socket.once('error', () => done(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (reply: Buffer) => done(reply.toString().startsWith('+PONG')));
    socket.setTimeout(1_000, () => done(false));
  });
}

/** A stopped (SIGSTOP) process is continued first: it could not end otherwise. */
function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGCONT');
    child.kill(signal);
  });
}

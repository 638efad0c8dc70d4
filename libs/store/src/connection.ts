/**
 * One connection to Redis or Valkey that is kept for ever: it never throws for the server's absence, it says why it is
 * not ready, and it refuses commands at once while it is not. A command whose connection broke is *not* sent again (it
 * may have been done): the caller gets STORE_UNREACHABLE and decides, with a version or a request id.
 */
import { IronbusError } from '@ironbus/contracts';
import { Redis, type RedisOptions } from 'ioredis';
import type { Log, Ready } from './log.ts';
import { readRedisUrl } from './redis-url.ts';
import { isTooOld, parseInfo, warningsOf } from './server-info.ts';

export type Connection = {
  readonly redis: Redis;
  ready(): Ready;
  /** How often the server was lost: what it said before may be gone with it. */
  losses(): number;
  /** Resolves once the server answers and its version is good enough. */
  whenReady(): Promise<void>;
  /** Runs a command when ready; maps the world's failures to STORE_UNREACHABLE and STORE_TOO_OLD. */
  guard<T>(command: (redis: Redis) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

type State = { kind: 'down'; why: string } | { kind: 'up' } | { kind: 'too-old'; why: string };
const commandTimeoutMs = 5_000;
const silentSocketMs = 10_000;
/** Replies that mean "not now": the server is loading, failing over, out of disk or out of memory. */
const transientReply = /^(LOADING|MASTERDOWN|READONLY|TRYAGAIN|CLUSTERDOWN|MISCONF|OOM|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|UNKILLABLE)\b/;

type ClientOptions = RedisOptions & { replyMapping: 'legacy' };
const blockingOptions: ClientOptions = {
  replyMapping: 'legacy',
  enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0,
  socketTimeout: silentSocketMs, connectTimeout: 3_000, disableClientInfo: true,
  retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times - 1, 6), 2_000) + Math.floor(Math.random() * 100),
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
};
const commandOptions: ClientOptions = { ...blockingOptions, enableAutoPipelining: true, commandTimeout: commandTimeoutMs };

/** Returns at once and connects in the background. */
export function openConnection(options: { url: string; log: Log; blocking?: true }): Connection {
  const { log } = options;
  const redis = createClient(options.url, options.blocking === true ? blockingOptions : commandOptions);
  let state: State = { kind: 'down', why: 'not connected to redis yet' };
  let waiting: (() => void)[] = [];
  let losses = 0;
  const enter = (next: State): void => {
    if (next.kind !== 'up' && (state.kind !== next.kind || state.why !== next.why)) log.warn({ reason: next.why }, 'redis not ready');
    if (state.kind === 'up' && next.kind !== 'up') losses += 1;
    if (next.kind === 'up') {
      for (const resolve of waiting) resolve();
      waiting = [];
    }
    state = next;
  };
  redis.on('error', (error) => enter({ kind: 'down', why: describeFailure(error) }));
  redis.on('close', () => { if (state.kind === 'up') enter({ kind: 'down', why: 'the connection to redis was lost' }); });
  redis.on('ready', () => { inspect(redis, log).then(enter, (error: unknown) => enter({ kind: 'down', why: describeFailure(error) })); });
  return {
    redis,
    ready: () => state.kind === 'up' ? { ready: true } : { ready: false, why: state.why },
    losses: () => losses,
    whenReady: () => state.kind === 'up' ? Promise.resolve() : new Promise((resolve) => { waiting.push(resolve); }),
    async guard(command) {
      if (state.kind === 'too-old') throw new IronbusError('STORE_TOO_OLD', state.why);
      if (state.kind === 'down') throw new IronbusError('STORE_UNREACHABLE', state.why);
      try {
        return await command(redis);
      } catch (error) {
        throw toIronbusError(error);
      }
    },
    close: () => closeClient(redis),
  };
}

function createClient(url: string, options: ClientOptions): Redis {
  const read = readRedisUrl(url);
  return 'url' in read ? new Redis(read.url, options) : new Redis({ ...options, ...read.options });
}

/** Asks the server what it is; warns about settings that lose state. */
async function inspect(redis: Redis, log: Log): Promise<State> {
  const info = parseInfo(await redis.info());
  if (isTooOld(info)) return { kind: 'too-old', why: `redis-server is ${info.version}, Ironbus needs 7 or newer, or Valkey` };
  for (const warning of warningsOf(info)) log.warn({ reason: warning }, 'redis settings put state at risk');
  log.info({ version: info.version, flavour: info.flavour, appendonly: info.appendonly }, 'redis ready');
  return { kind: 'up' };
}

async function closeClient(redis: Redis): Promise<void> {
  if (redis.status === 'ready') {
    const timer = setTimeout(() => redis.disconnect(), 1_000);
    await redis.quit().catch((error: unknown) => { if (!(error instanceof Error)) throw error; });
    clearTimeout(timer);
  }
  redis.disconnect();
}

/** A mistake in a command or script stays the error it is; everything else is the server not being there. */
function toIronbusError(error: unknown): unknown {
  if (error instanceof IronbusError || !(error instanceof Error)) return error;
  if (error.name === 'ReplyError' && !transientReply.test(error.message)) return error;
  return new IronbusError('STORE_UNREACHABLE', describeFailure(error), { cause: error });
}

function describeFailure(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return `redis does not answer (${message !== undefined && message !== '' ? message : (code ?? String(error))})`;
}

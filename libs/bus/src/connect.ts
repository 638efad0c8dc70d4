/**
 * The link to NATS: one connection, made in the background and for ever. Each connect and each reconnect is a new
 * *session*; what reads or writes takes the current one and starts anew with the next.
 */
import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { IronbusError, type Origin } from '@ironbus/contracts';
import { backOffMs, pause } from './back-off.ts';
import { addresses, credentials } from './credentials.ts';
import { unsuited } from './server-gate.ts';
import type { Log, Ready } from './types.ts';

export type LinkOptions = { servers: string | readonly string[]; credsFile?: string | undefined; origin: Origin; log: Log };

/** One unbroken connection to a server that suits us. `ended` aborts when it breaks. */
export type Session = { nc: NatsConnection; js: JetStreamClient; jsm: JetStreamManager; ended: AbortSignal; newInbox: () => string };

/** JetStream API requests give up after this; so does a publish. */
export const requestTimeoutMs = 4000;

export class Link {
  readonly log: Log;
  readonly closing: AbortSignal;
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(session: Session) => void>();
  readonly #running: Promise<void>;
  #session: Session | undefined;
  #end: (() => void) | undefined;
  #nc: NatsConnection | undefined;
  #inboxPrefix: string | undefined;
  #refusal: IronbusError = new IronbusError('BUS_UNREACHABLE', 'NATS was not reached yet');

  constructor(options: LinkOptions) {
    this.#options = options;
    this.log = options.log;
    this.closing = this.#closing.signal;
    this.#running = this.#run();
  }

  ready(): Ready {
    return this.#session === undefined ? { ready: false, why: this.#refusal.message } : { ready: true };
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** The current session. Throws BUS_UNREACHABLE or BUS_TOO_OLD where there is none. */
  require(): Session {
    if (this.#session === undefined) throw this.#refusal;
    return this.#session;
  }

  /** Calls `listener` for the current session, if any, and each later one, until the returned function is called. */
  eachSession(listener: (session: Session) => void): () => void {
    this.#listeners.add(listener);
    if (this.#session !== undefined) listener(this.#session);
    return () => this.#listeners.delete(listener);
  }

  /** The current or the next session; undefined when `signal` aborts or the link closes first. */
  async nextSession(signal: AbortSignal = this.closing): Promise<Session | undefined> {
    const over = AbortSignal.any([signal, this.closing]);
    if (this.#session !== undefined || over.aborted) return over.aborted ? undefined : this.#session;
    return new Promise((resolve) => {
      const settle = (session: Session | undefined): void => { off(); over.removeEventListener('abort', giveUp); resolve(session); };
      const giveUp = (): void => settle(undefined);
      const off = this.eachSession(settle);
      over.addEventListener('abort', giveUp);
    });
  }

  /** Sends what is buffered and closes, within 2 s. */
  async close(): Promise<void> {
    if (!this.closing.aborted) {
      this.#refusal = new IronbusError('BUS_UNREACHABLE', 'the bus was closed');
      const [nc, session] = [this.#nc, this.#session];
      this.#closing.abort();
      if (session !== undefined) await Promise.race([session.nc.flush().catch(() => 'lost on the way out'), pause(2000, session.ended)]);
      this.#endSession();
      await nc?.close();
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.closing.aborted;) {
      const nc = await this.#connect();
      failures = nc === undefined ? failures + 1 : 0;
      if (nc === undefined) await pause(backOffMs(failures, { firstMs: 100, mostMs: 2000 }), this.closing);
      else await this.#follow(nc);
    }
  }

  async #connect(): Promise<NatsConnection | undefined> {
    const { credsFile, origin } = this.#options;
    const servers = [this.#options.servers].flat();
    try {
      const identity = credentials(servers, credsFile);
      this.#inboxPrefix = identity.inboxPrefix;
      const nc = await connect({
        ...identity, servers: addresses(servers), name: `${origin.service}/${origin.instance}`,
        timeout: 5000, reconnect: true, maxReconnectAttempts: -1, reconnectTimeWait: 250, reconnectJitter: 250,
        ignoreAuthErrorAbort: true, pingInterval: 10_000, maxPingOut: 2, noAsyncTraces: true,
      });
      if (!this.closing.aborted) return nc;
      await nc.close();
    } catch (error) {
      this.#refuse(new IronbusError('BUS_UNREACHABLE', `NATS does not answer: ${(error as Error).message}`, { cause: error }));
    }
    return undefined;
  }

  async #follow(nc: NatsConnection): Promise<void> {
    this.#nc = nc;
    const statuses = nc.status();
    await this.#begin(nc);
    for await (const status of statuses) {
      if (status.type === 'disconnect' || status.type === 'close') this.#lost();
      if (status.type === 'reconnect') await this.#begin(nc);
      if (status.type === 'error') this.log.warn({ reason: status.error.message }, 'nats reported an error');
    }
    this.#lost();
    this.#nc = undefined;
    if (!nc.isClosed()) await nc.close();
  }

  async #begin(nc: NatsConnection): Promise<void> {
    this.#endSession();
    const why = unsuited(nc.info);
    if (why !== undefined) return this.#refuse(new IronbusError('BUS_TOO_OLD', why));
    const ended = new AbortController();
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: requestTimeoutMs });
    if (nc.isClosed() || this.closing.aborted) return;
    this.#end = () => ended.abort();
    const newInbox = (): string => createInbox(this.#inboxPrefix);
    const session = { nc, jsm, js: jetstream(nc, { timeout: requestTimeoutMs }), ended: ended.signal, newInbox };
    this.#session = session;
    this.log.info({ server: nc.getServer(), version: nc.info?.version }, 'connected to nats');
    for (const listener of [...this.#listeners]) this.#tell(listener, session);
  }

  #tell(listener: (session: Session) => void, session: Session): void {
    try {
      listener(session);
    } catch (error) {
      this.log.error({ err: error }, 'a user of the bus could not start with this connection');
    }
  }

  #lost(): void {
    if (this.#session === undefined) return;
    this.#endSession();
    if (!this.closing.aborted) this.#refuse(new IronbusError('BUS_UNREACHABLE', 'the connection to NATS broke'));
  }

  #endSession(): void {
    this.#session = undefined;
    this.#end?.();
    this.#end = undefined;
  }

  /** Remembers why there is no session, and says so once. */
  #refuse(refusal: IronbusError): void {
    const known = this.#refusal.message === refusal.message;
    this.#refusal = refusal;
    if (known) return;
    const say = refusal.code === 'BUS_TOO_OLD' ? 'error' : 'warn';
    this.log[say]({ reason: refusal.code, why: refusal.message, servers: addresses([this.#options.servers].flat()) }, 'the bus is not usable');
  }
}

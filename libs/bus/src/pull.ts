/**
 * Reading a JetStream consumer by pull requests (ADR-13, ADR-37 of nats-architecture-and-design), one outstanding at a time and
 * never more messages than the caller has room for: so each message held here can be kept alive, and none waits unseen
 * in a client's buffer until the server delivers it again.
 */
import type { Msg } from '@nats-io/transport-node';
import type { Session } from './connect.ts';
import { parseAckSubject, type Delivery } from './ack-subject.ts';
import { seconds } from './types.ts';

export type Pulled = Delivery & { msg: Msg; ackSubject: string };
export type Target = { stream: string; consumer: string };
/** `room` is how many more messages may be asked for now. */
export type PullOptions = { target: Target; room: () => number; onMessage: (message: Pulled) => void; onLive?: () => void; stop: AbortSignal };

/** Why a pull is over; `stopped` and `disconnected` are nobody's fault. */
export type PullEnd = 'stopped' | 'disconnected' | 'consumer-gone' | 'silent' | 'refused' | 'denied';

const expirySeconds = 30;
const heartbeatSeconds = 5;
const silenceMs = 2.5 * heartbeatSeconds * 1000;

export class Pull {
  readonly over: Promise<PullEnd>;
  readonly #session: Session;
  readonly #options: PullOptions;
  readonly #settle: (end: PullEnd) => void;
  readonly #inbox: string;
  #outstanding = 0;
  #request = 0;
  #lastSeen = Date.now();
  #done = false;

  constructor(session: Session, options: PullOptions) {
    this.#session = session;
    this.#options = options;
    this.#inbox = session.newInbox();
    const { promise, resolve } = Promise.withResolvers<PullEnd>();
    this.over = promise;
    const subscription = session.nc.subscribe(`${this.#inbox}.*`, { callback: (error, msg) => error ? this.#settle('denied') : this.#receive(msg) });
    const watchdog = setInterval(() => this.#checkSilence(), 1000);
    const onStop = (): void => this.#settle('stopped');
    const onLost = (): void => this.#settle('disconnected');
    this.#settle = (end) => {
      if (this.#done) return;
      this.#done = true;
      clearInterval(watchdog);
      options.stop.removeEventListener('abort', onStop);
      session.ended.removeEventListener('abort', onLost);
      // what is on its way still arrives, so that the caller can give it back
      if (end === 'stopped' && !session.nc.isClosed()) subscription.drain().catch(() => 'the connection broke first').finally(() => resolve(end));
      else {
        if (!session.nc.isClosed()) subscription.unsubscribe();
        resolve(end);
      }
    };
    options.stop.addEventListener('abort', onStop);
    session.ended.addEventListener('abort', onLost);
    if (options.stop.aborted) onStop();
    else if (session.ended.aborted) onLost();
    else this.more();
  }

  /** Asks for more where there is room and nothing is outstanding. To be called whenever room was made. */
  more(): void {
    if (this.#done || this.#outstanding > 0) return;
    if (this.#session.nc.isClosed()) this.#settle('disconnected');
    else this.#ask(this.#options.room());
  }

  #ask(batch: number): void {
    if (batch <= 0) return;
    this.#outstanding = batch;
    this.#request++;
    this.#lastSeen = Date.now();
    const { stream, consumer } = this.#options.target;
    const ask = { batch, expires: seconds(expirySeconds), idle_heartbeat: seconds(heartbeatSeconds) };
    this.#session.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(ask), { reply: `${this.#inbox}.${this.#request}` });
  }

  #receive(msg: Msg): void {
    this.#lastSeen = Date.now();
    const delivery = parseAckSubject(msg.reply);
    if (delivery === undefined) this.#onStatus(msg);
    else this.#onDelivery(msg, delivery);
  }

  #onDelivery(msg: Msg, delivery: Delivery): void {
    this.#options.onLive?.();
    this.#outstanding = Math.max(0, this.#outstanding - 1);
    this.#options.onMessage({ ...delivery, msg, ackSubject: msg.reply ?? '' });
    this.more();
  }

  /** A status belongs to the request whose number its subject ends in; those of earlier requests say nothing new. */
  #onStatus(msg: Msg): void {
    if (this.#done) return;
    const code = msg.headers?.code ?? 0;
    if (code === 100) this.#options.onLive?.();
    else if (msg.subject.endsWith(`.${this.#request}`)) this.#onRequestOver(code, msg.headers?.description ?? '');
  }

  #onRequestOver(code: number, text: string): void {
    if (code === 404 || code === 408) {
      this.#outstanding = 0;
      this.more();
      return;
    }
    const gone = code === 503 || /consumer deleted|stream deleted|no responders/i.test(text);
    const moved = /leadership change|server shutdown/i.test(text);
    this.#settle(gone ? 'consumer-gone' : moved ? 'silent' : 'refused');
  }

  #checkSilence(): void {
    if (this.#outstanding > 0 && Date.now() - this.#lastSeen > silenceMs) this.#settle('silent');
  }
}

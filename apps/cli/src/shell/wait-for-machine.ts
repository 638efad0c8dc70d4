/** Waiting until what was asked of a machine is over. */
import type { Envelope, Node } from '@ironbus/contracts';
import { CliError } from '../core/errors.ts';
import { endingOf, progressOf } from '../core/progress.ts';
import type { Client } from './client.ts';
import { follow } from './follow.ts';

/** `machine` is its id: a deployment may change its name. */
export type Wait = { machine: string; action: string; seconds: number; say: (line: string) => void; signal: AbortSignal };
export type Asked = { status: number; body: Node | { operation: string } };

/**
 * Opens the event stream, asks, and follows the machine until it rests. Throws WAIT_FAILED with the machine's reason,
 * WAIT_TIMEOUT, INTERRUPTED, and the refusal of a request that was answered late.
 */
export async function askAndWait(client: Client, wait: Wait, ask: () => Promise<Asked>): Promise<Node> {
  const over = new AbortController();
  const late = AbortSignal.timeout(wait.seconds * 1000);
  const watch = new Watch(wait);
  const reading = read(client, watch, AbortSignal.any([over.signal, late, wait.signal]));
  reading.catch((error: unknown) => watch.fail(error));
  try {
    await Promise.race([watch.opened.promise, watch.result.promise]);
    watch.asked(await ask());
    return await watch.result.promise;
  } finally {
    over.abort();
    await reading.catch(() => undefined); // it failed the watch already
  }
}

async function read(client: Client, watch: Watch, signal: AbortSignal): Promise<void> {
  const { machine, seconds, say } = watch.wait;
  const look = async (): Promise<void> => watch.see(await client.get<Node>(`/api/v1/machines/${encodeURIComponent(machine)}`));
  const onOpen = (): void => {
    if (watch.wasAsked) look().catch((error: unknown) => watch.fail(error)); // connected anew: something may have been missed
    watch.opened.resolve();
  };
  for await (const { event } of follow(client, { query: `?node=${encodeURIComponent(machine)}`, signal, onOpen, onBreak: (why) => say(`${why}; connecting again`) })) watch.take(event);
  watch.fail(watch.wait.signal.aborted
    ? new CliError('INTERRUPTED', `interrupted; ${machine} goes on without this command`)
    : new CliError('WAIT_TIMEOUT', `${machine} is still on its way after ${seconds} s; it goes on without this command`));
}

/** What is known of one request and its machine. Events that come before the answer are kept until it is there. */
class Watch {
  readonly wait: Wait;
  readonly opened = Promise.withResolvers<void>();
  readonly result = Promise.withResolvers<Node>();
  #early: Envelope[] | undefined = [];
  #operation: string | undefined;
  #newest: Node | undefined;
  #said = '';

  constructor(wait: Wait) {
    this.wait = wait;
    this.result.promise.catch(() => undefined);
  }

  get wasAsked(): boolean {
    return this.#early === undefined;
  }

  fail(error: unknown): void {
    this.result.reject(error);
  }

  asked({ status, body }: Asked): void {
    const waiting = this.#early ?? [];
    this.#early = undefined;
    if (status === 202) this.#operation = (body as { operation: string }).operation;
    else this.see(body as Node);
    for (const event of waiting) this.take(event);
  }

  take(event: Envelope): void {
    if (this.#early !== undefined) return void this.#early.push(event);
    const { node, code, message } = event.data as { node?: Node; code?: string; message?: string };
    if (this.#operation !== undefined && event.causationid === this.#operation) {
      this.#operation = undefined;
      if (event.type === 'node.request-refused') return this.fail(new CliError(code ?? 'NODE_STATE', message ?? 'the request was refused'));
    }
    if (event.type.startsWith('node.') && node !== undefined) this.see(node);
  }

  /** Decides nothing while the request itself is unanswered. */
  see(node: Node): void {
    if (this.#newest !== undefined && node.version <= this.#newest.version) return;
    this.#newest = node;
    const line = progressOf(node);
    if (line !== this.#said) this.wait.say(line);
    this.#said = line;
    if (this.#operation !== undefined) return;
    const ending = endingOf(node, this.wait.action);
    if (ending.done && ending.ok) this.result.resolve(node);
    if (ending.done && !ending.ok) this.fail(new CliError('WAIT_FAILED', ending.why));
  }
}

/** The region's public HTTP API. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { CliError } from '../core/errors.ts';
import { createSseParser, type Message } from '../core/sse.ts';

export type Settings = { api: string; key: string | undefined; signal?: AbortSignal };
export type Fetch = typeof fetch;
type Send = { body?: unknown; stream?: ReadableStream; headers?: Record<string, string>; signal?: AbortSignal };

/** One call, answered by parsed JSON. Throws CliError with the API's own code, or UNREACHABLE. */
export class Client {
  readonly #settings: Settings;
  readonly #fetch: Fetch;

  constructor(settings: Settings, fetchLike: Fetch = fetch) {
    this.#settings = settings;
    this.#fetch = fetchLike;
  }

  /** The status says whether the outcome is still open (202). */
  async call<T>(method: string, path: string, send: Send = {}): Promise<{ status: number; body: T }> {
    const response = await this.#send(method, path, send);
    const text = await this.#reached(response.text());
    if (!response.ok) throw refusal(response.status, text);
    return { status: response.status, body: (text === '' ? null : parseJson(text, this.#settings.api)) as T };
  }

  get = async <T>(path: string): Promise<T> => (await this.call<T>('GET', path)).body;

  /** Opens the event stream; resolves once nothing can be missed any more. */
  async events(query: string, options: { lastId?: string | undefined; signal: AbortSignal }): Promise<AsyncGenerator<Message>> {
    const headers = { accept: 'text/event-stream', ...(options.lastId !== undefined && { 'last-event-id': options.lastId }) };
    const response = await this.#send('GET', `/api/v1/events${query}`, { headers, signal: options.signal });
    if (!response.ok) throw refusal(response.status, await response.text());
    return messagesOf(response);
  }

  #send(method: string, path: string, { body, stream, headers = {}, signal }: Send): Promise<Response> {
    const { api, key, signal: interrupted } = this.#settings;
    const signals = [signal, interrupted].filter((one) => one !== undefined);
    const type = stream !== undefined ? 'application/octet-stream' : 'application/json';
    const init = {
      method, headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...((stream ?? body) !== undefined && { 'content-type': type }), ...headers },
      ...((stream ?? body) !== undefined && { body: stream ?? JSON.stringify(body), duplex: 'half' }), ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    } as RequestInit;
    return this.#reached(this.#fetch(new URL(path, `${api}/`), init));
  }

  async #reached<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (cause) {
      if (this.#settings.signal?.aborted === true) throw new CliError('INTERRUPTED', 'interrupted', { cause });
      const { code, message } = ((cause as Error).cause ?? cause) as { code?: string; message: string };
      throw new CliError('UNREACHABLE', `the region at ${this.#settings.api} does not answer (${code ?? message}): is it running? --api or IRONBUS_API names another`, { cause });
    }
  }
}

async function* messagesOf(response: Response): AsyncGenerator<Message> {
  const parse = createSseParser();
  if (response.body === null) return;
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) yield* parse(text);
}

/** What a proxy in between answers is no JSON of ours. */
function refusal(status: number, text: string): CliError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    return new CliError(error.code, error.message);
  } catch (cause) {
    return new CliError(status === 502 || status === 503 || status === 504 ? 'UNREACHABLE' : `HTTP_${status}`, `the region answered ${status}: ${text.slice(0, 200)}`, { cause });
  }
}

function parseJson(text: string, api: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError('UNREACHABLE', `${api} does not speak the Ironbus API: it answered ${JSON.stringify(text.slice(0, 60))}`, { cause });
  }
}

type Given = { api?: string | undefined; key?: string | undefined; keyFile?: string | undefined };

/** Options first, then the environment. Throws USAGE for a URL that is none. */
export async function readSettings(given: Given, env: Record<string, string | undefined>): Promise<Settings> {
  const api = (given.api ?? env['IRONBUS_API'] ?? 'http://127.0.0.1:5240').replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s/]+/.test(api)) throw new CliError('USAGE', `${JSON.stringify(api)} is no URL of a region: write for example http://10.0.0.1:5240`);
  const file = given.keyFile ?? (env['IRONBUS_API_KEY'] === undefined ? env['IRONBUS_API_KEY_FILE'] : undefined);
  const key = given.key ?? (file === undefined ? env['IRONBUS_API_KEY'] : await readText(file));
  return { api, key: key?.trim() };
}

/** A file, or standard input for `-`. Throws USAGE where it can not be read. */
export async function readText(file: string): Promise<string> {
  return (await readBytes(file)).toString('utf8');
}

export async function readBytes(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (cause) {
    throw new CliError('USAGE', `${file} can not be read (${(cause as NodeJS.ErrnoException).code ?? 'unreadable'})`, { cause });
  }
}

/** The public API as a lab or test uses it: fetch, one error type, and waiting for a machine's status. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Envelope, Image, Node, Status } from '@ironbus/contracts';
import { waitUntil } from './harness/run.ts';

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(`${status} ${code}: ${message}`);
    this.status = status;
    this.code = code;
  }
}

export type Client = ReturnType<typeof createClient>;

export function createClient(base: string, key: string) {
  const headers = { authorization: `Bearer ${key}` };

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${base}/api/v1${path}`, {
      method, headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = text === '' ? undefined : JSON.parse(text) as { error?: { code: string; message: string } };
    if (!response.ok) throw new ApiError(response.status, answer?.error?.code ?? 'unknown', answer?.error?.message ?? text);
    return answer as T;
  }

  return {
    base, key,
    get: <T>(path: string): Promise<T> => call('GET', path),
    post: <T>(path: string, body: unknown = {}): Promise<T> => call('POST', path, body),
    patch: <T>(path: string, body: unknown): Promise<T> => call('PATCH', path, body),
    put: <T>(path: string, body: unknown): Promise<T> => call('PUT', path, body),
    delete: (path: string): Promise<void> => call('DELETE', path),
    machine: (id: string): Promise<Node> => call('GET', `/machines/${id}`),
    machineByMac: async (mac: string): Promise<Node | undefined> => (await call<Node[]>('GET', `/machines?mac=${mac}`))[0],

    async addImage(file: string, query: Record<string, string>): Promise<Image> {
      const response = await fetch(`${base}/api/v1/images?${new URLSearchParams(query)}`, {
        method: 'POST', headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': String((await stat(file)).size) },
        body: Readable.toWeb(createReadStream(file)) as ReadableStream, duplex: 'half',
      } as RequestInit);
      const answer = await response.json() as Image & { error?: { code: string; message: string } };
      if (!response.ok) throw new ApiError(response.status, answer.error?.code ?? 'unknown', answer.error?.message ?? '');
      return answer;
    },

    /** Waits for one of the statuses; a failure status that was not asked for ends the wait at once, with its reason. */
    waitForStatus: (id: string, wanted: readonly Status[], timeoutMs: number): Promise<Node> =>
      waitUntil(`${id} to be ${wanted.join(' or ')}`, async () => {
        const node = await call<Node>('GET', `/machines/${id}`);
        if (wanted.includes(node.status)) return node;
        if (/^Failed|failed$/.test(node.status)) throw new Error(`${node.hostname} is ${node.status}: ${node.failure?.reason} (${node.failure?.message}); last evidence: ${node.failure?.lastEvidence}`);
        return undefined;
      }, { timeoutMs, everyMs: 250 }),

    /** Hands over every event until stopped; starts with `since` (1: everything the log holds). */
    async follow(onEvent: (event: Envelope, sequence: number | undefined) => void, since = 1): Promise<() => void> {
      const stop = new AbortController();
      const response = await fetch(`${base}/api/v1/events?since=${since}`, { headers: { ...headers, accept: 'text/event-stream' }, signal: stop.signal });
      if (!response.ok || response.body === null) throw new ApiError(response.status, 'events', await response.text());
      void readEvents(response.body, onEvent).catch(() => stop.abort());
      return () => stop.abort();
    },
  };
}

async function readEvents(body: ReadableStream<Uint8Array>, onEvent: (event: Envelope, sequence: number | undefined) => void): Promise<void> {
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string): string | undefined => block.split('\n').find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1).trim();
      const data = field('data');
      const id = field('id');
      if (data !== undefined) onEvent(JSON.parse(data) as Envelope, id === undefined ? undefined : Number(id));
    }
  }
}

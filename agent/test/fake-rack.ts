/** A rack as the agent protocol has it, for tests: plays a list of plans, serves files, and fails where it is told to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Act = {
  node: string; operation: string; attempt: number; end: 'reboot' | 'poweroff' | 'wait'; pollSeconds: number;
  steps: { id: string; kind: string; parameters: Record<string, unknown> }[];
};
export type Call = { method: string; path: string; status: number; body: unknown };
export type Faults = { refuseFirst?: Readonly<Record<string, number>>; breakAfterBytes?: Readonly<Record<string, number>>; ignoreRange?: readonly string[] };
export type RackOptions = { token: string; acts: Act[]; files: Readonly<Record<string, Buffer>>; faults?: Faults };

type Answer = { status: number; body?: unknown };

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  if (text === '') return undefined;
  return request.headers['content-type'] === 'application/json' ? JSON.parse(text) : text;
}

/** One rack on a free port of the loopback; `calls` is what it was asked and what it answered, in order. */
export class FakeRack {
  readonly calls: Call[] = [];
  readonly #options: RackOptions;
  readonly #refusals: Map<string, number>;
  readonly #breaks: Map<string, number>;
  readonly #claims = new Map<string, number>();
  readonly #server = createServer((request, response) => { void this.#handle(request, response); });
  #current = 0;

  private constructor(options: RackOptions) {
    this.#options = options;
    this.#refusals = new Map(Object.entries(options.faults?.refuseFirst ?? {}));
    this.#breaks = new Map(Object.entries(options.faults?.breakAfterBytes ?? {}));
  }

  static async start(options: RackOptions): Promise<FakeRack> {
    const rack = new FakeRack(options);
    await new Promise<void>((resolve) => { rack.#server.listen(0, '127.0.0.1', resolve); });
    return rack;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get #act(): Act {
    return this.#options.acts[Math.min(this.#current, this.#options.acts.length - 1)] as Act;
  }

  #answer(path: string, body: unknown): Answer {
    const [, step = '', verb = ''] = /^\/agent\/v1\/steps\/([^/]+)\/(claim|report)$/.exec(path) ?? [];
    const { steps, ...plan } = this.#act;
    if (path === '/agent/v1/check-in') return { status: 200, body: { ...plan, steps: steps.map(({ id, kind }) => ({ id, kind })) } };
    if (verb === 'claim') return this.#claim(step);
    return verb === 'report' ? this.#report(step, body as { outcome: string }) : { status: 204 };
  }

  #claim(id: string): Answer {
    const { steps, attempt } = this.#act;
    const step = steps.find((one) => one.id === id);
    if (step === undefined) return { status: 409, body: { error: { code: 'STEP_SUPERSEDED', message: id } } };
    const key = `${attempt}/${id}`;
    const claim = (this.#claims.get(key) ?? 0) + 1;
    this.#claims.set(key, claim);
    return { status: 200, body: { step: id, attempt, claim, kind: step.kind, parameters: step.parameters } };
  }

  #report(id: string, { outcome }: { outcome: string }): Answer {
    const { steps, end } = this.#act;
    if (outcome === 'succeeded' && steps.at(-1)?.id !== id) return { status: 200, body: { next: 'continue' } };
    this.#current += 1;
    return { status: 200, body: { next: end } };
  }

  #sendFile(name: string, request: IncomingMessage, response: ServerResponse): number {
    const file = this.#options.files[name];
    if (file === undefined) { response.writeHead(404).end(); return 404; }
    const asked = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const from = this.#options.faults?.ignoreRange?.includes(name) ? 0 : asked;
    const part = file.subarray(from);
    const status = from > 0 ? 206 : 200;
    response.writeHead(status, { 'content-length': part.length, 'content-type': 'application/octet-stream' });
    const breakAt = this.#breaks.get(name);
    this.#breaks.delete(name);
    if (breakAt === undefined) response.end(part);
    else response.write(part.subarray(0, breakAt), () => response.destroy());
    return status;
  }

  #judge(path: string, authorization: string | undefined, body: unknown): Answer {
    const left = this.#refusals.get(path) ?? 0;
    this.#refusals.set(path, left - 1);
    if (authorization !== `Bearer ${this.#options.token}`) return { status: 401, body: { error: { code: 'TOKEN_UNKNOWN', message: 'no' } } };
    if (left > 0) return { status: 503, body: { error: { code: 'BUSY', message: 'restarting' } } };
    return path.startsWith('/files/') ? { status: 200 } : this.#answer(path, body);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const body = await readBody(request);
    const answer = this.#judge(path, headers.authorization, body);
    if (path.startsWith('/files/') && answer.status === 200) {
      this.calls.push({ method, path, status: this.#sendFile(path.slice('/files/'.length), request, response), body });
      return;
    }
    this.calls.push({ method, path, status: answer.status, body });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => { this.#server.close(resolve); });
  }
}

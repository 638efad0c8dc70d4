/** Asks bootfiles for files that exist only for the machine that asks: over HTTP on kept connections, a few at a time. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Logger } from '@ironbus/runtime';
import { away, toldBy, unknown, virtualPath, type Response, type Told } from '../core/told.ts';

/** Never rejects: a bootfiles that does not answer is something to be told, too. */
export type Virtual = { ask(name: string, asker: string): Promise<Told>; close(): void };
type Options = { url: string; timeoutMs: number; log: Logger };

const connections = 32;
/** Scripts have a few hundred bytes. */
const maxBodyBytes = 256 * 1024;

export function openVirtual({ url, timeoutMs, log }: Options): Virtual {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    async ask(name, asker) {
      const path = virtualPath(name);
      if (path === undefined) return unknown;
      try {
        const response = await get({ base: url, path, asker, timeoutMs, agent });
        if (response.status === 403) log.error({ url, reason: response.body.toString().slice(0, 300) }, 'bootfiles does not take this service for the rack’s own');
        return toldBy(response);
      } catch (error) {
        log.warn({ url, path, reason: (error as Error).message }, 'bootfiles does not answer');
        return away;
      }
    },
    close: () => agent.destroy(),
  };
}

type Asked = { base: string; path: string; asker: string; timeoutMs: number; agent: Agent };

/** A kept connection may have been closed while the request was on its way: then it is sent once more, on a new one. */
function get(asked: Asked, isRepeated = false): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const request = httpRequest(new URL(asked.path, asked.base), { agent: asked.agent, headers: { forwarded: `for=${asked.asker}` }, signal: AbortSignal.timeout(asked.timeoutMs) });
  request.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET' && request.reusedSocket && !isRepeated) resolve(get(asked, true));
    else reject(error.name === 'TimeoutError' || error.cause instanceof DOMException ? new Error(`no answer within ${asked.timeoutMs} ms`) : error);
  });
  request.once('response', (response) => { read(response).then(resolve, reject); });
  request.end();
  return promise;
}

async function read(response: IncomingMessage): Promise<Response> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBodyBytes) throw new Error(`an answer of more than ${maxBodyBytes} bytes`);
    parts.push(part);
  }
  const asset = response.headers['x-ironbus-asset'];
  return { status: response.statusCode ?? 0, asset: typeof asset === 'string' ? asset : undefined, body: Buffer.concat(parts) };
}

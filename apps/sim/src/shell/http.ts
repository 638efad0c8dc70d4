/** HTTP as a machine speaks it: from its own address, on a connection that the loader keeps and the agent does not. */
import { Agent, request as httpRequest } from 'node:http';

export type HttpAnswer = { status: number; bytes: Buffer; length: number };
export type HttpAsk = {
  method: 'GET' | 'HEAD' | 'POST'; url: string; from: string; headers?: Record<string, string>; body?: string; signal: AbortSignal;
  /** A connection that is kept (`keepConnection`); else the request has one of its own. */
  connection?: Agent;
  /** The body is counted, not kept. */
  drain?: boolean;
};

export const keepConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });

/** Rejects where no answer comes. */
export function http({ method, url, from, headers = {}, body, signal, connection, drain = false }: HttpAsk): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest(url, { method, localAddress: from, headers, agent: connection ?? false, signal }, (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        length += part.length;
        if (!drain) parts.push(part);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts), length }));
    });
    asking.on('error', reject);
    asking.setTimeout(60_000, () => asking.destroy(new Error(`${url} fell silent`)));
    asking.end(body);
  });
}

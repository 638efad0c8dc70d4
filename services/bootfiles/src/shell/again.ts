/**
 * The same answer again. Serving a boot script burns nothing, so a loader that asks once more within a second (HEAD and GET, a retry, a
 * prober) is given the text it was given, before any routing, as long as everything that the text was made of is as it was (recording.ts).
 * The key is the request line as it came; whatever is not in memory word by word goes the long way.
 *
 * A second is what another process of this rack may be late by: it sees what this one changed at its next read. Nothing hangs on that:
 * what may run is decided by check-in and claim, in Redis.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Recent } from '../core/recent.ts';
import type { Recording } from './recording.ts';

/** `tell` is for what nobody heard of yet: how often the answer was given again. */
export type Answered = { text: string; type: string; holds: Recording['holds']; tell(times: number): void };
type Given = Pick<Answered, 'holds' | 'tell'> & { address: string | undefined; headers: string[]; bytes: string; times: number };
export type Again = ReturnType<typeof openAgain>;

const lasting = { keepMs: 1_000, most: 2_048 };

export function openAgain() {
  const given = new Recent<Given>(lasting, ({ times, tell }) => { if (times > 0) tell(times); });
  const sweeper = setInterval(() => given.sweep(performance.now()), lasting.keepMs).unref();
  return {
    /** True where the request was answered. */
    answer(request: IncomingMessage, response: ServerResponse): boolean {
      const { method, url = '' } = request;
      if (method !== 'GET' && method !== 'HEAD') return false;
      const found = given.find(url, performance.now());
      if (found === undefined || found.address !== request.socket.remoteAddress) return false;
      if (!found.holds()) {
        given.drop(url);
        return false;
      }
      response.writeHead(200, found.headers);
      if (method === 'HEAD') {
        response.end();
        return true;
      }
      found.times += 1;
      response.end(found.bytes, 'latin1');
      return true;
    },

    /** Keeps the answer to a GET. */
    keep({ url = '', socket }: IncomingMessage, { text, type, holds, tell }: Answered): void {
      // One character a byte: written in one piece with the header.
      const bytes = Buffer.from(text, 'utf8').toString('latin1');
      const headers = ['content-type', type, 'cache-control', 'no-store', 'Content-Length', String(bytes.length)];
      given.keep(url, { address: socket.remoteAddress, headers, bytes, holds, tell, times: 0 }, performance.now());
    },

    stop(): void {
      clearInterval(sweeper);
      given.sweep(Infinity);
    },
  };
}

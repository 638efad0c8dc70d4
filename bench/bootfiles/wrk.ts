/** wrk as the load: a program we did not write. One thread, so that the server has the other core. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export type Load = { requestsPerSecond: number; megabytesPerSecond: number; requests: number; bytes: number; errors: number };

/** `paths`: a Lua script that names one path after the other, else the URL alone is asked for. */
export async function wrk(url: string, options: { connections: number; seconds: number; paths?: string }): Promise<Load> {
  const args = ['-t', '1', '-c', String(options.connections), '-d', `${options.seconds}s`, '--timeout', '60s', ...(options.paths === undefined ? [] : ['-s', options.paths]), url];
  const { stdout } = await promisify(execFile)('wrk', args);
  const [, requests = '0', seconds = '1', amount = '0', unit = 'B'] = /(\d+) requests in ([\d.]+)s, ([\d.]+)(\w+) read/.exec(stdout) ?? [];
  const bytes = Number(amount) * ({ B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[unit] ?? 1);
  const errors = [...(/Socket errors: (.*)/.exec(stdout)?.[1] ?? '').matchAll(/\d+/g), ...stdout.matchAll(/Non-2xx or 3xx responses: (\d+)/g)].reduce((sum, match) => sum + Number(match[1] ?? match[0]), 0);
  return { requestsPerSecond: Number(requests) / Number(seconds), megabytesPerSecond: bytes / Number(seconds) / 1e6, requests: Number(requests), bytes, errors };
}

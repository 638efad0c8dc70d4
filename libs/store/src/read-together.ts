/**
 * Records that are asked for in one turn of the event loop are read by one command. A command of its own costs this process some 26 µs for
 * each record, together they cost less than half of that (docs/adr/0015-http-speed.md): it is what a rack of machines that boot at once asks for.
 */
import type { Script } from './script.ts';

/** Version and JSON as they are stored; null where there is no record. */
export type RecordFields = readonly [version: string | null, json: string | null];
type Asked = { key: string; resolve: (fields: RecordFields) => void; reject: (error: unknown) => void };

export const readRecordsLua = `
local found = {}
for n, key in ipairs(KEYS) do
  local fields = redis.call('HMGET', key, 'v', 'json')
  found[2 * n - 1], found[2 * n] = fields[1], fields[2]
end
return found`;

/** Redis does nothing else while a script runs. */
const most = 100;

/** Rejects as the script does: what was asked together fails together. */
export function readTogether(script: Script): (key: string) => Promise<RecordFields> {
  let asked: Asked[] = [];
  const send = (): void => {
    const all = asked;
    asked = [];
    for (let from = 0; from < all.length; from += most) void answer(script, all.slice(from, from + most));
  };
  return (key) => new Promise((resolve, reject) => {
    if (asked.push({ key, resolve, reject }) === 1) setImmediate(send);
  });
}

async function answer(script: Script, asked: readonly Asked[]): Promise<void> {
  try {
    const fields = await script(asked.map(({ key }) => key), []) as (string | null)[];
    for (const [n, { resolve }] of asked.entries()) resolve([fields[2 * n] ?? null, fields[2 * n + 1] ?? null]);
  } catch (error) {
    for (const { reject } of asked) reject(error);
  }
}

/** The only rack joins like any other: with a token, by HTTP, with a key pair of its own. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { joinRack } from '@ironbus/cli';
import type { Logger } from '@ironbus/runtime';

export type Joining = { region: string; token: string; rack: string; dir: string };

/**
 * This installation's join token, made once. It is offered at every start and spent by the first join; a region that lost
 * its records takes it again.
 */
export function joinTokenIn(dir: string): string {
  const file = join(dir, 'join-token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const made = `ibjoin_${randomBytes(24).toString('base64url')}`;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${made}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  }
}

/** Joins where the rack has not joined yet, or where the region no longer knows its key. */
export async function joinRegion(joining: Joining, log: Logger): Promise<void> {
  const { rack, dir } = joining;
  if (await isRefused(joining)) {
    log.warn({ rack, dir }, 'the region does not know this rack any more, joining again');
    await rm(join(dir, 'region.key'));
  }
  const { already } = await joinRack(joining);
  if (!already) log.info({ rack, dir }, 'rack joined');
}

/** Any path that a rack may ask tells: without a known key it answers 401. */
async function isRefused({ region, dir }: Joining): Promise<boolean> {
  const key = await readFile(join(dir, 'region.key'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (key === undefined) return false;
  const answer = await fetch(new URL('/api/v1/images/none/blob', region), { method: 'HEAD', headers: { authorization: `Bearer ${key.trim()}` } });
  return answer.status === 401;
}

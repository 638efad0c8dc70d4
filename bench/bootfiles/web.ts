/** A web server under load: what it is called, where it listens, which process it is. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

export type Web = { name: string; version: string; url: string; pid: number; stop(): Promise<void> };

/** Resolves when something answers, whatever it says. */
export async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline && child.exitCode === null; await pause(50)) {
    if (await fetch(url).then(() => true, () => false)) return;
  }
  throw new Error(`nothing answers at ${url}`);
}

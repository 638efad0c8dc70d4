/** Programs in other network namespaces, and what they say. */
import { spawn } from 'node:child_process';
import { waitFor } from '@ironbus/testkit';

export type Program = AsyncDisposable & {
  /** Waits for a line of its output. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its output and exit code, once it has ended. */
  ended(): Promise<{ output: string; code: number | null }>;
  signal(name: NodeJS.Signals): void;
  /** Ends it and waits for that. */
  stop(): Promise<void>;
};

/** `ip netns exec` becomes the program, so that a signal reaches that itself. */
export function startIn(namespace: string, program: string, ...args: readonly string[]): Program {
  const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await closed;
  };
  return {
    until: (pattern) => waitFor(() => pattern.exec(output), { what: `${program} to say ${pattern}, it said:\n${output}`, timeoutMs: 15_000 }),
    ended: async () => ({ code: await closed, output }),
    signal: (name) => { child.kill(name); },
    stop, [Symbol.asyncDispose]: stop,
  };
}

/** Runs test files inside a network namespace, where sockets, sysctls and devices are theirs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** `files` lie in this folder and run one after the other. Fails with their output where one fails. */
export async function runTestsIn(t: TestContext, namespace: string, { files, environment = {} }: { files: readonly string[]; environment?: Record<string, string> }): Promise<void> {
  // The runner of the outer test would take the inner one for a part of its own.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const paths = files.map((file) => join(import.meta.dirname, file));
  const flags = ['--test', '--test-reporter=spec', '--test-concurrency=1'];
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, ...flags, ...paths], { env: { ...inherited, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const code = await new Promise((resolve) => { child.once('close', resolve); });
  t.diagnostic(output);
  assert.equal(code, 0, output);
}

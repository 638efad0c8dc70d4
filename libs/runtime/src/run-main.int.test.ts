import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { waitFor } from '../../testkit/src/wait-for.ts';

type Ran = { code: number | null; out: string; err: string };
const main = new URL('test-main.ts', import.meta.url).pathname;

/** Runs the test service, with signals once it said that it started. */
async function run(env: Record<string, string>, ...signals: NodeJS.Signals[]): Promise<Ran> {
  const child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ran: Ran = { code: null, out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => { ran.out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { ran.err += chunk.toString(); });
  const closed = new Promise<void>((resolve) => { child.once('close', (code) => { ran.code = code; resolve(); }); });
  if (signals.length > 0) await waitFor(() => /"(started|waiting)"/.test(ran.out), { what: 'started or waiting' });
  for (const signal of signals) child.kill(signal);
  await closed;
  return ran;
}

test('SIGTERM ends it with 0; the configuration was logged once, redacted', async () => {
  const { code, out } = await run({ REDIS_URL: 'redis://u:hunter2@127.0.0.1' }, 'SIGTERM');
  const lines = out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(code, 0);
  assert.deepEqual(lines.map((line) => line['msg']), ['starting', 'started', 'stopping', 'stopped']);
  assert.deepEqual(lines[0]?.['config'], { behaviour: 'run', redisUrl: 'redis://[redacted]@127.0.0.1', logLevel: 'info' });
});

test('a wrong configuration lists every violation and exits 78', async () => {
  const { code, err, out } = await run({ DEMO_BEHAVIOUR: 'dance', DEMO_BEHAVIOR: 'run', LOG_LEVEL: 'loud' });
  assert.equal(code, 78);
  assert.equal(out, '');
  for (const name of ['DEMO_BEHAVIOUR', 'did you mean DEMO_BEHAVIOUR?', 'LOG_LEVEL']) assert.ok(err.includes(name), err);
});

test('a start that fails and a rejection nobody handles exit 1 with the reason', async () => {
  const failed = await run({ DEMO_BEHAVIOUR: 'fail' });
  assert.deepEqual([failed.code, failed.out.includes('no disk')], [1, true]);
  const crashed = await run({ DEMO_BEHAVIOUR: 'reject' });
  assert.deepEqual([crashed.code, crashed.out.includes('crashed on a defect')], [1, true]);
});

test('a start that a signal ends is no failure', async () => {
  const { code, out } = await run({ DEMO_BEHAVIOUR: 'wait' }, 'SIGTERM');
  assert.equal(code, 0, out);
  assert.doesNotMatch(out, /could not start|part did not start/);
});

test('a part that hangs is named and does not keep the process', async () => {
  const { code, out } = await run({ DEMO_BEHAVIOUR: 'hang' }, 'SIGINT');
  assert.equal(code, 0);
  assert.match(out, /"part":"demo".*part hangs while stopping/);
});

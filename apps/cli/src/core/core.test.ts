import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '@ironbus/contracts';
import { parseDuration } from './duration.ts';
import { exitCodeOf } from './errors.ts';
import { endingOf, progressOf } from './progress.ts';
import { createSseParser } from './sse.ts';
import { formatEvent, formatTime, summarize } from './summary.ts';
import { formatBytes, formatFields, formatTable } from './table.ts';

test('a table: columns aligned, nothing for what is missing, the last column cut', () => {
  assert.equal(formatTable(['NAME', 'N'], [['a', 1], ['longer', null], ['x', undefined]]), 'NAME    N\na       1\nlonger  -\nx       -');
  assert.equal(formatTable(['A', 'TEXT'], [['1', 'a long line']], 8), 'A  TEXT\n1  a lo…');
  assert.equal(formatTable(['A'], [['two\nlines\x1b[31m']]), 'A\ntwo lines [31m');
  assert.equal(formatFields([['a', 1], ['longer', true]]), 'a:      1\nlonger: true');
});

const sizes: [number, string][] = [[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KiB'], [150 * 1024 ** 2, '150 MiB'], [2 ** 40, '1.0 TiB']];
for (const [bytes, text] of sizes) test(`${bytes} bytes`, () => assert.equal(formatBytes(bytes), text));

const times: [string, number | undefined][] = [['90', 90], ['90s', 90], ['15m', 900], ['2h', 7200], ['', undefined], ['-1', undefined], ['1d', undefined], ['1.5h', undefined]];
for (const [text, seconds] of times) test(`a time of ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), seconds));

test('server-sent events arrive in any pieces', () => {
  const text = ': heartbeat\n\nid: 7\nevent: node.updated\ndata: {"a":\ndata: 1}\n\r\n\r\nevent: x\ndata:y\n\nid: 8\nda';
  for (let size = 1; size <= text.length; size += 1) {
    const parse = createSseParser();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...parse(text.slice(at, at + size)));
    assert.deepEqual(found, [{ id: '7', event: 'node.updated', data: '{"a":\n1}' }, { id: undefined, event: 'x', data: 'y' }], `pieces of ${size}`);
  }
});

const summaries: [type: string, data: unknown, says: string][] = [
  ['node.transitioned', { from: 'New', to: 'Commissioning', why: 'accepted' }, 'New → Commissioning: accepted'],
  ['node.request-refused', { request: 'node.deploy-requested', code: 'NODE_STATE', message: 'it is New' }, 'node.deploy-requested: NODE_STATE it is New'],
  ['node.deploy-requested', { requestedBy: 'admin', image: { id: 'debian-12' }, hostname: 'web1', sshKeys: ['x'], comment: 'go' }, 'by admin image=debian-12 hostname=web1 "go"'],
  ['node.step-reported', { attempt: 2, step: 'write-image', outcome: 'failed', reason: 'disk-not-found', message: null, last: true }, 'attempt 2 step write-image failed disk-not-found (last)'],
  ['node.heartbeat', { attempt: 2, step: 'write-image', bytesDone: 1024, bytesTotal: 2048 }, 'attempt 2 step write-image 1.0 KiB of 2.0 KiB'],
  ['node.deadline-passed', { deadline: 'deploying.claim', awaited: 'agent-claim', remedy: 'power-cycle' }, 'deploying.claim waited for agent-claim, next: power-cycle'],
  ['node.log-reported', { text: 'one\ntwo\x1b[2J\n' }, 'two [2J'],
  ['lease.granted', { mac: 'x', address: '10.0.0.2', network: 'lan1', leaseSeconds: 600 }, '10.0.0.2 on lan1 for 600 s'],
  ['network.changed', { id: 'lan1', network: null, revision: 3 }, 'removed'],
  ['something.new', { a: 1, b: 'two', c: { d: 1 }, e: null }, 'a=1 b=two'],
  ['something.odd', 'text', ''],
];
for (const [type, data, says] of summaries) test(`${type} in words`, () => assert.equal(summarize({ type, data }), says));

test('an event is one line: time, type, key, words', () => {
  const event = { type: 'tftp.rrq', time: '2026-11-20T10:00:00.123Z', subject: '525400770001', nodeid: 'k7x2mp', data: { file: 'ipxe.efi' } } as never;
  const now = new Date('2026-11-20T11:00:00Z');
  assert.match(formatEvent(event, now), /^\d\d:00:00\.123 {2}tftp\.rrq {20}525400770001=k7x2mp {2}file=ipxe\.efi$/);
  assert.match(formatTime('2025-01-02T12:00:00.000Z', now), /^2025-01-0[123] \d\d:00:00\.000$/);
});

const node = (changes: object): Node => ({ hostname: 'web1', status: 'Ready', statusMessage: 'rests', operation: null, failure: null, ...changes }) as Node;
const operation = { attempt: 2, step: 'seed', awaits: 'node.step-reported' };
const endings: [name: string, machine: Node, action: string, done: boolean, why?: RegExp][] = [
  ['in progress by its status', node({ status: 'Deploying' }), 'deploy', false],
  ['in progress by its operation', node({ status: 'Ready', operation }), 'deploy', false],
  ['where it should be', node({ status: 'Deployed' }), 'deploy', true],
  ['broken because it was asked for', node({ status: 'Broken' }), 'mark-broken', true],
  ['failed', node({ status: 'Failed deployment', failure: { reason: 'image-hash-mismatch', message: 'bad', lastEvidence: 'step write-image' } }), 'deploy', true, /^web1: Failed deployment: image-hash-mismatch: bad \(last seen: step write-image\)$/],
  ['failed without words', node({ status: 'Releasing failed' }), 'release', true, /Releasing failed: rests/],
  ['stopped by somebody', node({ status: 'Allocated' }), 'deploy', true, /is Allocated, not Deployed/],
];
for (const [name, machine, action, done, why] of endings) {
  test(`a machine that is ${name}`, () => {
    const ending = endingOf(machine, action);
    assert.equal(ending.done, done);
    const said = ending.done && !ending.ok ? ending.why : undefined;
    if (why === undefined) assert.equal(said, undefined);
    else assert.match(said ?? '', why);
  });
}

test('progress names attempt, step and what is awaited', () => {
  assert.equal(progressOf(node({ status: 'Deploying', operation })), 'web1: Deploying (attempt 2, seed, waits for node.step-reported)');
  assert.equal(progressOf(node({})), 'web1: Ready');
});

test('exit codes: usage, unreachable or unauthorised, refused', () => {
  assert.deepEqual(['USAGE', 'UNREACHABLE', 'AUTH_REQUIRED', 'AUTH_FORBIDDEN', 'NODE_STATE', 'RACK_TOKEN', 'WAIT_FAILED'].map(exitCodeOf), [2, 3, 3, 3, 1, 1, 1]);
});

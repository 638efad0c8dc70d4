import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openBus, type Bus } from '@ironbus/bus';
import { nodeUpdated, tftpRrq, type Envelope, type IpAddress, type Mac } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { errorOf, fakeLifecycle, makeNode, silent, startRegion, untilShown, type Fake, type Region } from './testing/region.ts';

let region: Region;
let lifecycle: Fake;
let rack: Bus;
const mac = '52:54:00:77:00:01' as Mac;
before(async () => {
  region = await startRegion();
  await region.startApi();
  lifecycle = await fakeLifecycle(region.nats);
  rack = openBus({ servers: region.nats.url, origin: { service: 'tftp', rack: 'rack1', instance: 'fake' }, log: silent });
  await rack.whenReady();
  for (const id of ['one', 'two']) {
    await lifecycle.tell(makeNode({ id, macs: [id === 'one' ? mac : '52:54:00:77:00:02' as Mac] }));
    await untilShown(region, id, () => true);
  }
});
after(async () => {
  await Promise.all([lifecycle[Symbol.asyncDispose](), rack.close()]);
  await region.stop();
});

type Seen = { id: string | undefined; event: string; data: Envelope };

/** Connected as a browser would; `seen` grows as events come. */
async function connect(query: string, headers: Record<string, string> = {}) {
  const aborted = new AbortController();
  const response = await fetch(`${region.url}/api/v1/events${query}`, { headers: { authorization: `Bearer ${region.firstKey()}`, accept: 'text/event-stream', ...headers }, signal: aborted.signal });
  const seen: Seen[] = [];
  const reading = (async () => {
    let text = '';
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks.filter((candidate) => candidate.includes('data:'))) seen.push(parseBlock(block));
    }
  })().catch((error: Error) => { if (!aborted.signal.aborted) throw error; });
  const stop = async (): Promise<void> => { aborted.abort(); await reading; };
  return { seen, reading, response, stop, [Symbol.asyncDispose]: stop };
}

function parseBlock(block: string): Seen {
  const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const));
  return { id: fields.get('id'), event: fields.get('event') ?? '', data: JSON.parse(fields.get('data') ?? '{}') as Envelope };
}

const rename = (id: string, version: number, hostname: string) =>
  lifecycle.bus.publish(nodeUpdated, { key: id, nodeid: id, data: { changed: ['hostname'], node: { ...lifecycle.nodes.get(id)!, version, hostname } } });
const observe = (key: string): void => rack.observe(tftpRrq, { key, data: { mac, address: '10.77.0.5' as IpAddress, file: 'ipxe.efi', mode: 'octet', options: {} } });

test('facts and observations come live: facts with their sequence as id, observations with none', async () => {
  await using stream = await connect('');
  assert.match(stream.response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const { sequence } = await rename('one', 2, 'uno');
  observe('525400770001');
  const fact = await waitFor(() => stream.seen.find(({ event }) => event === 'node.updated'));
  assert.deepEqual([fact.id, fact.data.subject], [String(sequence), 'one']);
  const observation = await waitFor(() => stream.seen.find(({ event }) => event === 'tftp.rrq'));
  assert.deepEqual([observation.id, observation.data.subject], [undefined, '525400770001']);
  assert.equal(stream.seen.filter(({ event }) => event === 'node.updated').length, 1, 'a fact comes once');
});

test('since gives what was, Last-Event-ID what was missed, and both go on live', async () => {
  await using all = await connect('?since=1');
  const first = await waitFor(() => all.seen.find(({ event }) => event === 'node.discovered'));
  const last = await rename('one', 3, 'three');
  await waitFor(() => all.seen.some(({ id }) => id === String(last.sequence)));
  const ids = all.seen.map(({ id }) => Number(id));
  assert.deepEqual(ids, ids.toSorted((a, b) => a - b));
  await using missed = await connect('?since=1', { 'last-event-id': first.id! });
  await waitFor(() => missed.seen.some(({ id }) => id === String(last.sequence)));
  assert.ok(missed.seen.every(({ id }) => Number(id) > Number(first.id)));
});

test('by machine: its facts and what its MACs said, nothing of others', async () => {
  await using stream = await connect('?node=one');
  await rename('two', 2, 'due');
  observe('525400770002');
  observe('525400770001');
  await rename('one', 4, 'four');
  await waitFor(() => stream.seen.length === 2);
  assert.deepEqual(new Set(stream.seen.map(({ event, data }) => `${event} ${data.subject}`)), new Set(['tftp.rrq 525400770001', 'node.updated one']));
  assert.deepEqual(errorOf(await region.call('GET', '/api/v1/events?node=nobody')).code, 'NODE_UNKNOWN');
  const history = (await region.call('GET', '/api/v1/machines/one/events')).body as unknown as Envelope[];
  assert.deepEqual(history.map(({ type, subject }) => `${type} ${subject}`), ['node.discovered one', ...Array(3).fill('node.updated one')]);
});

test('by subject, facts or observations; a subject that is none is refused', async () => {
  await using observations = await connect('?subject=tftp.>');
  await using facts = await connect('?subject=node.updated.*.two');
  observe('525400770001');
  await rename('one', 5, 'five');
  await rename('two', 3, 'tre');
  await waitFor(() => observations.seen.length === 1 && facts.seen.length === 1);
  assert.deepEqual([observations.seen[0]?.event, facts.seen[0]?.data.subject], ['tftp.rrq', 'two']);
  for (const subject of ['node..x', 'node.>.x', '$JS.API.>', 'a b']) assert.equal((await region.call('GET', `/api/v1/events?subject=${encodeURIComponent(subject)}`)).status, 422, subject);
  assert.ok(!region.logged.join('').includes('was refused'));
});

test('curl, which accepts anything, gets the stream', async () => {
  const curl = spawn('curl', ['-sN', '-H', '@-', `${region.url}/api/v1/events?since=1`], { stdio: ['pipe', 'pipe', 'inherit'] });
  curl.stdin.end(`Authorization: Bearer ${region.firstKey()}\n`);
  let text = '';
  curl.stdout.on('data', (part: Buffer) => { text += part.toString(); });
  await waitFor(() => /^id: 1\nevent: /m.test(text));
  curl.kill();
  await once(curl, 'close');
});

test('a reader that stops reading holds nobody up, and neither it nor the others delay the end', async () => {
  const hung = execFile('curl', ['-sN', '--limit-rate', '1k', '-H', `Authorization: Bearer ${region.firstKey()}`, `${region.url}/api/v1/events?since=1`]);
  const stream = await connect('?node=one');
  await rename('one', 6, 'x'.repeat(60));
  await waitFor(() => stream.seen.length === 1);
  const startedAt = performance.now();
  await region.stopApi();
  assert.ok(performance.now() - startedAt < 3_500);
  await stream.reading;
  assert.ok(!region.logged.join('').includes('hangs while stopping'));
  hung.kill();
});

/** The same answer again: who asks twice gets the same bytes without the long way, and nothing that changed in between is told as it was. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { layersBucket } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { agentWith, boot, fetchScript, macPath } from '../test/agent.ts';
import { mac, policy } from '../test/fixtures.ts';
import { log, ofType, startRackOfTwo, type Rack } from '../test/rack.ts';
import { create } from './index.ts';

const path = `/boot/${macPath}/script.ipxe`;
let rack: Rack;
let attempt = 0;

before(async () => { rack = await startRackOfTwo(); });
after(async () => { await rack[Symbol.asyncDispose](); });
beforeEach(async () => {
  attempt += 1;
  await rack.bind('127.0.0.1', mac, { bootId: `boot-${attempt}` });
  await rack.putPolicy(policy({ attempt, kernelArguments: `attempt=${attempt}` }));
  await waitFor(async () => (await fetchScript(rack)).includes(`attempt=${attempt}`), { what: 'the script of this attempt' });
  await fetchScript(rack);
});

type Answer = { status: string; headers: string[]; body: string };
const get = (target = path, more = '', method = 'GET', version = '1.1'): string => `${method} ${target} HTTP/${version}\r\nHost: rack\r\n${more}\r\n`;

/** Sends all at once on one connection, which the last request closes, and takes the answers apart. */
async function exchange(...requests: string[]): Promise<Answer[]> {
  const socket = connect(Number(new URL(rack.url('')).port), '127.0.0.1');
  socket.write(requests.join(''));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  let rest = Buffer.concat(chunks).toString('latin1');
  return requests.map((request) => {
    const end = rest.indexOf('\r\n\r\n');
    const [status = '', ...headers] = rest.slice(0, end).split('\r\n');
    const length = request.startsWith('HEAD') ? 0 : Number(/^Content-Length: (\d+)$/m.exec(headers.join('\n'))?.[1]);
    const body = rest.slice(end + 4, end + 4 + length);
    rest = rest.slice(end + 4 + length);
    return { status, headers: headers.filter((header) => !header.startsWith('Date: ')).sort(), body };
  });
}
const close = 'Connection: close\r\n';
const tokenIn = (script: string): string => /ironbus\.token=(\S+)/.exec(script)?.[1] ?? '';
const script = async (): Promise<string> => tokenIn(await fetchScript(rack));
const served = (what = path) => ofType(rack.observations, 'boot.script-served').map((event) => event.data as { path: string; times?: number }).filter((data) => data.path === what);
const curl = async (...args: string[]): Promise<string> => (await promisify(execFile)('curl', ['-sS', '--max-time', '10', ...args])).stdout;

test('asked again within a second, the same bytes; every request is told, the repeats as one event', async () => {
  const grub = path.replace('script.ipxe', 'grub.cfg');
  const [first] = await exchange(get(grub), get('/nothing', close));
  const answers = await exchange(...Array.from({ length: 19 }, () => get(grub)), get(grub, close));
  for (const answer of answers.slice(0, -1)) assert.deepEqual(answer, first, 'with the same headers as by the long way');
  assert.equal(answers.at(-1)?.body, first?.body);
  assert.match(first?.headers.join('\n') ?? '', /^Content-Length: \d+\nKeep-Alive: timeout=30\ncache-control: no-store\ncontent-type: text\/plain; charset=utf-8$/m);
  const count = (): number => served(grub).reduce((sum, { times }) => sum + (times ?? 1), 0);
  await waitFor(() => count() >= 21, { what: '21 requests told' });
  assert.equal(count(), 21);
  assert.ok(served(grub).length <= 3, `told as ${served(grub).length} events`);
});

test('HEAD has the headers of GET, and no body; pipelined requests of every way are answered in order', async () => {
  const file = '/loaders/ipxe.efi';
  const [first, head, loader, missing, again, withBody, last] = await exchange(
    get(), get(path, '', 'HEAD'), get(file), get('/nothing'), get(), get(path, 'Content-Length: 5\r\n') + 'hello', get(path, close));
  assert.deepEqual([head?.status, head?.body, head?.headers], [first?.status, '', first?.headers]);
  assert.match(loader?.body ?? '', /^bytes of loaders/);
  assert.equal(missing?.status, 'HTTP/1.1 404 Not Found');
  for (const answer of [again, withBody, last]) assert.equal(answer?.body, first?.body);
  assert.ok(last?.headers.includes('Connection: close'));
  assert.match(await curl('-I', rack.url(path)), /^Date: \w{3}, \d\d \w{3} \d{4} /m);
});

test('HTTP/1.0 is answered and closed, unless it asks to be kept', async () => {
  const [kept, closed] = await exchange(get(path, 'Connection: keep-alive\r\n', 'GET', '1.0'), get(path, '', 'GET', '1.0'));
  assert.deepEqual([kept?.status, closed?.status, kept?.body === closed?.body], ['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK', true]);
  assert.ok(kept?.headers.some((header) => /^connection: keep-alive$/i.test(header)) && closed?.headers.some((header) => /^connection: close$/i.test(header)));
});

const rows: [what: string, request: string, status: number][] = [
  ['another method', get(path, close, 'POST'), 405], ['a method of the kind that asks what is possible', get(path, close, 'OPTIONS'), 405],
  ['slashes that stand twice', get(`/${path.replaceAll('/', '//')}`, close), 200], ['a query', get(`${path}?via=tftp`, close), 200], ['a query that is none', get(`${path}?%zz&&==`, close), 200],
  ['an escape that is none', get(`${path}%zz`, close), 400], ['a name that goes on', get(`${path}x`, close), 404], ['a long name', get(`${path}/${'x'.repeat(8_000)}`, close), 404],
  ['a MAC that is none', get('/boot/nonsense/script.ipxe', close), 404], ['an address for a proxy', get(`http://rack${path}`, close), 200],
  ['a header too many', get(path, `x: ${'y'.repeat(20_000)}\r\n${close}`), 431], ['a condition', get(path, `If-None-Match: *\r\n${close}`), 200], ['a range', get(path, `Range: bytes=0-3\r\n${close}`), 200],
];
for (const [what, request, status] of rows) {
  test(`${what}: ${status}, with the answer in memory as without it`, async () => {
    await fetchScript(rack);
    const [warm] = await exchange(request);
    assert.equal(warm?.status.split(' ')[1], String(status));
    if (status === 200) assert.match(warm?.body ?? '', /^#!ipxe\n# ironbus: policy-agent\n/);
  });
}

test('another address that asks for it is refused, and it is told', async () => {
  const refusals = () => ofType(rack.observations, 'boot.refused').filter((event) => (event.data as { reason: string }).reason === 'asker-foreign').length;
  const before = refusals();
  await fetchScript(rack);
  assert.match(await curl('--interface', '127.0.0.2', rack.url(path)), /# ironbus: asker-foreign\n/);
  assert.match(await fetchScript(rack), /# ironbus: policy-agent\n/, 'the machine itself has its script as before');
  await waitFor(() => refusals() > before);
});

test('one boot, one token, by every loader; HEAD names none', async () => {
  const grub = await (await fetch(rack.url(path.replace('script.ipxe', 'grub.cfg')))).text();
  assert.equal(tokenIn(grub), await script());
  assert.equal((await fetch(rack.url(path), { method: 'HEAD' })).status, 200);
  const tokens = await Promise.all(Array.from({ length: 30 }, script));
  assert.deepEqual(new Set(tokens), new Set([await script()]));
  assert.equal((await agentWith(rack, await script()).checkIn()).body.attempt, attempt);
});

test('once its agent came, a script has a new token; so has the next boot', async () => {
  const agent = await boot(rack);
  assert.equal(agent.token, await script());
  await agent.checkIn();
  const next = await script();
  assert.notEqual(next, agent.token);
  await rack.bind('127.0.0.1', mac, { bootId: `${attempt}-again` });
  await waitFor(async () => await script() !== next, { what: 'a token of the next boot' });
});

test('what changes is told at once: policy, network, layers, the ledger', async () => {
  const says = (text: string) => waitFor(async () => (await fetchScript(rack)).includes(text), { what: text, timeoutMs: 900 });
  await rack.putNetwork({ baseUrl: 'http://10.77.0.2:5248' });
  await says('http://10.77.0.2:5248/agent-image');
  await rack.putNetwork();
  await says('http://10.77.0.1:5248/agent-image');
  await rack.api.kv(layersBucket).put('global', { id: 'global', values: {}, snippets: {}, kernelArguments: 'of.a.layer=1' });
  await says('of.a.layer=1');
  const agent = await boot(rack);
  await agent.checkIn();
  await agent.run(attempt, ['write-image', 'grow']);
  const { claim } = (await agent.claim('seed', attempt)).body;
  assert.match(await fetchScript(rack), /# ironbus: policy-agent\n/);
  await agent.report('seed', attempt, claim);
  assert.match(await fetchScript(rack), /# ironbus: deployment-done\n/, 'the very next request');
  await rack.putPolicy(policy({ answer: 'local', status: 'Deployed', operation: null }));
  await says('# ironbus: policy-local');
});

test('a second process of the rack has a token of its own, and learns within a second what the first one did', async (t) => {
  const second = create(rack.config, { log });
  t.after(() => second.stop());
  await second.start();
  await waitFor(() => second.health.readiness().ready);
  const there = async (): Promise<string> => (await fetch(`http://127.0.0.1:${second.port()}${path}`)).text();
  const [one, other] = [await script(), tokenIn(await there())];
  assert.notEqual(one, other);
  assert.equal(other, tokenIn(await there()));
  const agent = agentWith(rack, one);
  assert.equal((await agent.checkIn()).status, 200);
  await agent.run(attempt, ['write-image', 'grow', 'seed']);
  await waitFor(async () => (await there()).includes('# ironbus: deployment-done'), { timeoutMs: 2_000, what: 'the ledger as the first process left it' });
});

test('Redis away: nothing of the agent is said from memory; what Redis lost has to be given anew', async () => {
  const before = await script();
  await rack.redis.kill();
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: ledger-away'), { timeoutMs: 900, what: 'ledger-away' });
  await rack.redis.restart();
  await waitFor(async () => await script() === before, { what: 'the token that Redis still knows' });
  await once(connect(rack.redis.port, '127.0.0.1').resume().end('FLUSHALL\r\nQUIT\r\n'), 'close');
  await rack.redis.kill();
  await rack.redis.restart();
  const anew = await waitFor(async () => { const token = await script(); return token !== '' && token; }, { what: 'a script after the loss' });
  assert.notEqual(anew, before);
  assert.equal((await agentWith(rack, anew).checkIn()).status, 200);
});

test('what was given again and not told yet is told when the service stops', async () => {
  const pxelinux = path.replace('script.ipxe', 'pxelinux.cfg');
  await exchange(get(pxelinux, close));
  await exchange(...Array.from({ length: 9 }, () => get(pxelinux)), get(pxelinux, close));
  await rack.stop();
  await waitFor(() => served(pxelinux).reduce((sum, { times }) => sum + (times ?? 1), 0) === 11, { what: 'eleven requests told' });
  await rack.start();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsBody } from './commands/machines.ts';
import { packetsOf } from './commands/dhcp.ts';
import { readSettings } from './shell/client.ts';
import { createProgram, run } from './program.ts';

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await run(args, { env: {}, out: (text) => { said.out += text; }, err: (text) => { said.err += text; }, width: undefined, signal: new AbortController().signal });
  return { code, ...said };
}

test('help is for people and exits 0; every command is in it', async () => {
  const help = await cli('machines', '--help');
  assert.equal(help.code, 0);
  for (const command of ['list', 'show', 'create', 'set', 'accept', 'commission', 'test', 'allocate', 'deploy', 'release', 'abort', 'rescue', 'exit-rescue', 'power', 'mark-broken', 'mark-fixed', 'reserve', 'retire', 'remove', 'events']) {
    assert.match(help.out, new RegExp(`^  ${command}\\b`, 'm'));
  }
  assert.match((await cli('--help')).out, /Exit codes: 0 done/);
  assert.match((await cli('--version')).out, /^\d+\.\d+\.\d+\n$/);
});

const wrong: [args: string[], says: RegExp][] = [
  [['machines', 'lst'], /unknown command 'lst'[\s\S]*Did you mean one of list/], [['machines', 'deploy', 'web1'], /--image/], [['machines', 'release', 'web1', '--erase', 'hard'], /none, quick, secure/],
  [['machines', 'accept', 'web1', '--wait', 'long'], /90s, 15m or 2h/], [['machines', 'set', 'web1', '--key', 'k'], /nothing to change/], [['images', 'add', 'x', '--name', 'y'], /--format/],
  [['machines', 'list', '--api', 'nonsense', '--key', 'k'], /is no URL of a region/], [['events', '--since', 'x', '--key', 'k'], /whole number/],
  [['networks', 'add', '/does/not/exist', '--key', 'k'], /can not be read \(ENOENT\)/],
];
for (const [args, says] of wrong) {
  test(`wrong usage exits 2 and says why: ${args.join(' ')}`, async () => {
    const answer = await cli(...args);
    assert.equal(answer.code, 2, answer.err);
    assert.match(answer.err, says);
  });
}

test('without a key, and without a region, it exits 3', async () => {
  assert.match((await cli('machines', 'list')).err, /AUTH_REQUIRED: no API key: set IRONBUS_API_KEY/);
  const answer = await cli('machines', 'list', '--api', 'http://127.0.0.1:9', '--key', 'k', '--json');
  assert.equal(answer.code, 3);
  assert.equal((JSON.parse(answer.err) as { error: { code: string } }).error.code, 'UNREACHABLE');
});

test('options go before and after the command', () => {
  const program = createProgram({ env: {}, out: () => undefined, err: () => undefined, width: undefined, signal: new AbortController().signal });
  program.commands.find((command) => command.name() === 'machines')?.commands.find((command) => command.name() === 'list')?.action(() => undefined);
  program.parse(['machines', 'list', '--json', '--api', 'http://x'], { from: 'user' });
  assert.deepEqual(program.opts(), { json: true, api: 'http://x' });
});

test('settings: options win over the environment', async () => {
  assert.deepEqual(await readSettings({}, {}), { api: 'http://127.0.0.1:5240', key: undefined });
  assert.deepEqual(await readSettings({ api: 'https://r/' }, { IRONBUS_API: 'http://e', IRONBUS_API_KEY: 'k', IRONBUS_API_KEY_FILE: '/none' }), { api: 'https://r', key: 'k' });
});

test('machine settings: tags are replaced or removed, a BMC password never comes from argv', async () => {
  assert.deepEqual(await settingsBody({ tag: ['a', 'b'], hostname: 'web1' }, {}), { hostname: 'web1', tags: ['a', 'b'] });
  assert.deepEqual(await settingsBody({ tags: false }, {}), { tags: [] });
  assert.deepEqual(await settingsBody({ powerType: 'ipmi', powerAddress: '10.0.0.9', powerUser: 'admin', powerPort: '6230' }, { IRONBUS_POWER_PASSWORD: 'pw' }), { power: { type: 'ipmi', address: '10.0.0.9', username: 'admin', password: 'pw', port: 6230 } });
  await assert.rejects(settingsBody({ powerType: 'ipmi', powerAddress: '10.0.0.9', powerUser: 'admin' }, {}), { code: 'USAGE', message: /IRONBUS_POWER_PASSWORD/ });
  await assert.rejects(settingsBody({ powerAddress: '10.0.0.9' }, {}), { code: 'USAGE' });
});

test('dhcp decode: hex is explained, anything else is refused', () => {
  assert.match(packetsOf(Buffer.from(`01 01 06 00 # op htype hlen hops\n${'00 '.repeat(232)}63 82 53 63 35 01 01 ff`), 'x')[0]?.text ?? '', /^DHCPDISCOVER/);
  assert.throws(() => packetsOf(Buffer.from('hello'), 'x'), { code: 'INPUT_INVALID', message: /line 1 is not hex/ });
  assert.throws(() => packetsOf(Buffer.from([1, 0, 2]), 'x'), { code: 'INPUT_INVALID', message: /neither hex text nor a pcap/ });
});

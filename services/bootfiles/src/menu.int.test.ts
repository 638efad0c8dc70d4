/** The menu at the console of a machine nobody knows: what iPXE and GRUB show, and what each choice leads to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { imagesBucket, layersBucket, profilesBucket, type Network, type Plan } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { agentWith, fetchScript, macPath } from '../test/agent.ts';
import { image, mac, policy } from '../test/fixtures.ts';
import { memoryTest } from './core/menu.ts';
import { ofType, startRack, type Rack } from '../test/rack.ts';

let rack: Rack;
const consoleMenu: Network['consoleMenu'] = {
  prompt: 'Room 12: choose', timeoutSeconds: 20,
  entries: [
    { text: 'Local disk', boots: 'local-disk' }, { text: 'Enlist', boots: 'enlist' }, { text: 'Rescue', boots: 'rescue' }, { text: 'Debian, not managed', boots: 'profile-debian' },
    { text: 'Gone', boots: 'profile-gone' }, { text: 'Memory test', boots: 'memory-test' }, { text: 'A file', boots: 'file-memtest' }, { text: 'netboot.xyz', boots: 'netboot-xyz' },
  ],
};
const get = async (path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(rack.url(path));
  return { status: response.status, text: await response.text() };
};
const choose = (choice: string, script = 'script.ipxe'): Promise<{ status: number; text: string }> => get(`/boot/${macPath}/choice/${choice}/${script}`);

before(async () => {
  rack = await startRack({}, Object.values(memoryTest).map((file) => `loaders/${file}`));
  await Promise.all([rack.putNetwork({ unknownMachines: 'menu', consoleMenu }), rack.bind('127.0.0.1', mac)]);
  for (const id of ['linux', 'initrd', 'memtest']) await rack.api.kv(imagesBucket).put(id, { ...image, id, format: 'file', sha256: createHash('sha256').update(id).digest('hex') });
  await rack.api.kv(profilesBucket).put('debian', {
    id: 'debian', name: 'Debian', kind: 'preseed', architectures: ['amd64'], kernel: 'image:linux', initrd: 'image:initrd', overlays: [], kernelArguments: '', snippets: {},
    template: 'd-i netcfg/get_hostname string {{ machine.hostname }}\n{% include "phone_home" %}',
  });
  await rack.start();
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: unknown-menu'));
});
after(async () => { await rack[Symbol.asyncDispose](); });

test('iPXE shows the network’s entries that lead somewhere; the first is taken when the time is over', async () => {
  const script = await fetchScript(rack);
  assert.deepEqual(script.split('\n').filter((line) => /^(menu|item|choose|iseq)/.test(line)), [
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: iPXE's own settings
    'menu Room 12: choose', 'item local-disk Local disk', 'item enlist Enlist', 'item rescue Rescue', 'item profile-debian Debian, not managed', 'iseq ${buildarch} arm64 || item memory-test Memory test', 'item file-memtest A file', 'item netboot-xyz netboot.xyz',
    'choose --default local-disk --timeout 20000 ironbus_choice && goto ${ironbus_choice} || goto local-disk',
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: iPXE's own settings
  ]);
  assert.match(script, new RegExp(`:file-memtest\\nkernel http://10\\.77\\.0\\.1:5248/images/${createHash('sha256').update('memtest').digest('hex')} && boot \\|\\| goto menu`));
  assert.match(script, /:netboot-xyz\nchain --autofree http:\/\/boot\.netboot\.xyz\/menu\.ipxe \|\| goto menu/);
});

test('GRUB shows what it can do, by HTTP and by TFTP, in words that it understands', async () => {
  const asked = await fetch(rack.url('/virtual/grub/grub.cfg'), { headers: { forwarded: 'for=127.0.0.1' } });
  for (const [text, first] of [[(await get(`/boot/${macPath}/grub.cfg`)).text, `(http,10.77.0.1:5248)/boot/${macPath}/choice/local-disk/grub.cfg`], [await asked.text(), '/grub/choice/local-disk/grub.cfg']] as const) {
    const checked = spawnSync('grub-script-check', [], { input: text, encoding: 'utf8' });
    assert.equal(checked.status, 0, `${checked.stderr}${text}`);
    assert.deepEqual([...text.matchAll(/^menuentry '(.*?)'/gm)].map((match) => match[1]), ['Local disk', 'Enlist', 'Rescue', 'Debian, not managed']);
    assert.match(text, /^if \[ "\$grub_cpu" != "arm64" -a "\$lockdown" != "y" \]; then menuentry 'Memory test' /m);
    assert.ok(text.includes(`menuentry 'Local disk' { configfile ${first} }`), text);
  }
  const chosen = await fetch(rack.url('/virtual/grub/choice/enlist/grub.cfg'), { headers: { forwarded: 'for=127.0.0.1' } });
  assert.match(await chosen.text(), /# ironbus: chosen-enlist[\s\S]*ironbus\.token=/);
});

test('the memory test: each loader’s own way, on the serial port of the layers; it is a loader’s file, and the choice is told', async () => {
  const scripts = await Promise.all(['script.ipxe', 'grub.cfg', 'pxelinux.cfg'].map((script) => choose('memory-test', script)));
  for (const { text } of scripts) assert.match(text, /# ironbus: chosen-memory-test\n[\s\S]*console=ttyS0,115200/);
  const checked = spawnSync('grub-script-check', [], { input: scripts[1]?.text ?? '', encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr);
  for (const file of Object.values(memoryTest)) assert.equal((await get(`/loaders/${file}`)).status, 200, file);
  assert.doesNotMatch(scripts.map(({ text }) => text).join(''), /token/, 'it needs none');
  const told = await waitFor(() => { const events = ofType(rack.observations, 'boot.script-served').map((event) => event.data as { rule: string; answer: string; flavour: string }).filter(({ rule }) => rule === 'chosen-memory-test'); return events.length === 3 ? events : undefined; });
  assert.deepEqual(told.map(({ answer, flavour }) => `${flavour} ${answer}`).sort(), ['grub memory-test', 'ipxe memory-test', 'pxelinux memory-test']);
});

test('PXELINUX shows the same by TFTP, and reads the choice from there', async () => {
  const virtual = (path: string): Promise<string> => fetch(rack.url(`/virtual/${path}`), { headers: { forwarded: 'for=127.0.0.1' } }).then((response) => response.text());
  assert.deepEqual([...(await virtual('pxelinux.cfg/default')).matchAll(/^ {2}MENU LABEL (.*)\n {2}CONFIG (.*)$/gm)].map(([, text, file]) => [text, file]), [
    ['Local disk', 'local-disk'], ['Enlist', 'enlist'], ['Rescue', 'rescue'], ['Debian, not managed', 'profile-debian'], ['Memory test', 'memory-test'],
  ].map(([text, choice]) => [text, `pxelinux.cfg/choice/${choice}/default`]));
  assert.match(await virtual('pxelinux.cfg/choice/memory-test/default'), /# ironbus: chosen-memory-test[\s\S]*LINUX memtest-x64\.bin/);
  assert.match(await virtual('pxelinux.cfg/choice/enlist/default'), /# ironbus: chosen-enlist[\s\S]*ironbus\.token=/);
});

test('the local disk, and a choice that the menu does not have', async () => {
  assert.match((await choose('local-disk')).text, /# ironbus: chosen-local-disk\n[\s\S]*sanboot/);
  assert.match((await choose('profile-gone')).text, /# ironbus: profile-missing/);
  assert.match((await choose('profile-other')).text, /# ironbus: unknown-menu/);
});

test('the agent’s command line has the words of the layers, but for those that an installer would hand on', async () => {
  await rack.api.kv(layersBucket).put('global', { id: 'global', values: {}, snippets: {}, kernelArguments: 'console=ttyS1 --- quiet' });
  const { text } = await waitFor(async () => { const script = await choose('enlist'); return script.text.includes('console=ttyS1') ? script : undefined; });
  assert.match(text, / console=ttyS1 \|\| goto retry$/m);
});

test('rescue: the agent waits, and nobody hears of the machine', async () => {
  const token = /ironbus\.token=(\S+)/.exec((await choose('rescue')).text)?.[1] ?? '';
  const plan: Plan = (await agentWith(rack, token).checkIn()).body;
  assert.deepEqual([plan.operation, plan.steps, plan.end], ['none', [], 'wait']);
  const other = /ironbus\.token=(\S+)/.exec((await choose('enlist')).text)?.[1] ?? '';
  assert.deepEqual((await agentWith(rack, other).checkIn()).body.steps.map(({ id }) => id), ['inventory']);
  await waitFor(() => ofType(rack.events, 'node.checked-in').length > 0);
  assert.deepEqual(ofType(rack.events, 'node.checked-in').map((event) => (event.data as { operation: string }).operation), ['enlisting'], 'only the enlisting one was announced');
});

test('installed without being managed: a configuration as often as it is asked for, no claim, and a call that nobody waits for', async () => {
  const { text } = await choose('profile-debian');
  const config = new URL(/ url=(\S+)/.exec(text)?.[1] ?? '').pathname;
  assert.match(config, /^\/install\/mac-525400770001\/[A-Za-z0-9_-]{43}\/preseed\.cfg$/);
  const first = await get(config);
  assert.deepEqual([first.status, (await get(config)).text], [200, first.text]);
  assert.match(first.text, /^d-i netcfg\/get_hostname string m-770001\n/);
  const call = new URL(/(http\S+\/phone-home\/\S+) /.exec(first.text)?.[1] ?? '').pathname;
  assert.match(call, /^\/phone-home\/unmanaged\//);
  assert.equal((await get(call)).status, 200);
  await rack.putPolicy(policy({ answer: 'hold', operation: null, status: 'New' }));
  await waitFor(async () => (await fetchScript(rack)).includes('policy-hold'));
  assert.equal((await get(config)).status, 404, 'a machine that somebody manages by now');
  assert.match((await choose('profile-debian')).text, /# ironbus: policy-hold/);
  assert.equal(ofType(rack.events, 'node.step-claimed').length + ofType(rack.events, 'node.phoned-home').length, 0);
});

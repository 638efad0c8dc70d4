import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSubOptions, makeMessage, pxeVendorOptions } from '@ironbus/wire';
import { sampleNetwork, samplePolicy } from '../testing/samples.ts';
import type { ClientKind } from './client.ts';
import { menuDue, menuItems, menuVendorOptions } from './menu.ts';

type Boots = 'local-disk' | 'ipxe' | 'grub' | 'pxelinux';
const menuOf = (boots: Boots[], changes: object = {}) => sampleNetwork({
  bootMenu: { prompt: 'Press F8', timeoutSeconds: 10, entries: boots.map((what, index) => ({ text: `entry ${index}`, boots: what })) }, ...changes,
});
const on = (kind: ClientKind, network = menuOf(['local-disk', 'ipxe', 'grub', 'pxelinux'])) =>
  ({ client: { kind, stage: 'firmware' as const, architecture: null }, network });
const read = (question: ReturnType<typeof on>) => {
  const message = makeMessage({});
  message.options.setEncapsulated(43, menuVendorOptions(question), true);
  const bytes = message.options.get(43)?.length ?? 0;
  return { bytes, ...pxeVendorOptions(message) };
};

const offered: [kind: ClientKind, items: [type: number, boots: string][]][] = [
  ['pxe-bios', [[0, 'local-disk'], [0x8001, 'ipxe'], [0x8002, 'grub'], [0x8003, 'pxelinux']]],
  ['pxe-uefi-x64', [[0, 'local-disk'], [0x8001, 'ipxe'], [0x8002, 'grub']]],
  ['pxe-uefi-arm64', [[0, 'local-disk'], [0x8001, 'ipxe'], [0x8002, 'grub']]],
  ['pxe-uefi-ia32', [[0, 'local-disk'], [0x8002, 'grub']]],
  ['http-uefi-x64', []], ['ipxe', []], ['raspberry-pi', []], ['pxe-other', []], ['plain', []],
];
for (const [kind, items] of offered) {
  test(`menu: what ${kind} can boot`, () => assert.deepEqual(menuItems(on(kind)).map(({ type, boots }) => [type, boots]), items));
}

test('menu: a person is asked for unknown machines and those being enlisted only', () => {
  const question = on('pxe-uefi-x64');
  const due = (changes: object, policy?: string): boolean =>
    menuDue({ ...question, network: { ...question.network, ...changes }, policy: policy === undefined ? undefined : samplePolicy({ answer: policy }) });
  assert.deepEqual([due({}), due({}, 'enlist')], [true, true]);
  const not = [due({}, 'local'), due({}, 'agent'), due({}, 'hold'), due({ unknownMachines: 'local-disk' }), due({ bootMenu: null })];
  assert.deepEqual(not, Array(5).fill(false));
  assert.equal(due({ bootMenu: menuOf(['pxelinux']).bootMenu }), false, 'nothing that UEFI could boot');
});

test('menu: servers for every type that asks one, items in their order, prompt', () => {
  const { discoveryControl, bootServers, bootMenu, menuPrompt } = read(on('pxe-uefi-x64'));
  assert.equal(discoveryControl, 7);
  assert.deepEqual(bootServers, [0x8001, 0x8002].map((type) => ({ type, addresses: ['10.77.0.1'] })));
  assert.deepEqual(bootMenu, [{ type: 0, text: 'entry 0' }, { type: 0x8001, text: 'entry 1' }, { type: 0x8002, text: 'entry 2' }]);
  assert.deepEqual(menuPrompt, { seconds: 10, text: 'Press F8' });
});

test('menu: the largest one fits one option, its longest texts cut, letters a ROM has not replaced', () => {
  const text = 'Ubuntu für alle, '.repeat(4).slice(0, 60);
  const entries = [...Array(7).fill({ text, boots: 'ipxe' }), { text: 'disk', boots: 'local-disk' }];
  const question = on('pxe-bios', sampleNetwork({ bootMenu: { prompt: 'p'.repeat(60), timeoutSeconds: 255, entries } }));
  const { bytes, bootMenu = [], menuPrompt } = read(question);
  assert.ok(bytes <= 255 && bytes > 245, `${bytes} bytes`);
  assert.equal(bootMenu.length, 8);
  assert.equal(bootMenu[7]?.text, 'disk', 'a short text stays whole');
  assert.match(bootMenu[0]?.text ?? '', /^Ubuntu f\?r/);
  assert.equal(menuPrompt?.text.length, bootMenu[0]?.text.length);
  assert.ok(encodeSubOptions(menuVendorOptions(question), true).length === bytes);
});

test('menu: only local disks need no server', () => assert.equal(read(on('pxe-bios', menuOf(['local-disk']))).bootServers, undefined));

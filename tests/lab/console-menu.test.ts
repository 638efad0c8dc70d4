/** The menu of a machine nobody knows, shown by real loaders: to nobody, who takes the first entry when the time is over, and to somebody who presses keys. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { buildAssets } from '../../agent/build.ts';
import { addDisc, addInstaller, early, marker, profileOfDisc } from './debian-installer.ts';
import { eventsOf, firstBoot, newcomer } from './first-boot.ts';
import { useLab } from './fixture.ts';
import type { Machine } from './harness/machine.ts';
import type { Firmware } from './harness/qemu-argv.ts';
import { waitUntil } from './harness/run.ts';
import { cacheDir, labNetwork } from './stack.ts';

/** Nobody waits for arm64 at setup; the stack reads its assets when it starts. */
before(() => void buildAssets({ out: join(cacheDir, 'assets'), suite: 'trixie', architectures: ['arm64'], say: (line) => console.log(`# ${line}`) }));
const use = useLab('menu', '10.89', []);
const bootMs = 600_000;
const texts = { enlist: 'Enlist', 'local-disk': 'Local disk', 'profile-debian': 'Debian, not managed', 'netboot-xyz': 'netboot.xyz', 'memory-test': 'Memory test' } as const;
const forEver = 255;

/** The first is what nobody chooses. */
function ask(loader: string, boots: readonly (keyof typeof texts)[], timeoutSeconds = 2): Promise<unknown> {
  const entries = boots.map((each) => ({ text: texts[each], boots: each }));
  return use().stack.client.put('/networks/pxe', { ...labNetwork(use().lab), loader, unknownMachines: 'menu', consoleMenu: { prompt: 'Lab: choose', timeoutSeconds, entries } });
}
const scriptsOf = (mac: string): string[] => eventsOf(use().events, mac).filter((event) => event.type === 'boot.script-served')
  .map((event) => event.data as { rule: string; flavour?: string }).map(({ rule, flavour }) => `${flavour} ${rule}`);

for (const [loader, index] of [['ipxe', 0], ['pxelinux', 10]] as const) {
  test(`${loader}: the machine is enlisted`, async () => {
    await ask(loader, ['enlist', 'local-disk', 'memory-test', 'netboot-xyz']);
    const machine = await newcomer(use().lab, { index, firmware: 'bios' });
    const { checkIn } = await firstBoot(use(), machine, bootMs);
    assert.deepEqual([checkIn.firmware, ...scriptsOf(machine.spec.mac).slice(-2)], ['bios', `${loader} unknown-menu`, `${loader} chosen-enlist`]);
  });
}

test('GRUB: it installs without being managed, kernel and initrd by HTTP out of a disc, an overlay after the initrd', async () => {
  await addInstaller(use());
  await addDisc(use());
  await use().stack.client.put('/profiles/debian', { ...profileOfDisc, template: early });
  await ask('grub', ['profile-debian', 'memory-test', 'local-disk']);
  const machine = await newcomer(use().lab, { index: 1, firmware: 'uefi' });
  await machine.power('on');
  await machine.waitForSerial(marker, { timeoutMs: bootMs });
  const scripts = scriptsOf(machine.spec.mac);
  assert.ok(scripts.includes('grub unknown-menu') && scripts.at(-1) === 'grub chosen-profile', scripts.join(', '));
  assert.deepEqual(eventsOf(use().events, machine.spec.mac).filter((event) => event.type.startsWith('node.')), [], 'nobody hears of it');
  await machine.power('off');
});

/** Goes down to the last entry and takes it, as often as it needs until the loader has drawn its menu. */
async function takeLast(machine: Machine, chosen: string): Promise<void> {
  const has = (rule: RegExp): boolean => scriptsOf(machine.spec.mac).some((script) => rule.test(script));
  await waitUntil('the menu', () => has(/ unknown-menu$/), { timeoutMs: bootMs });
  await waitUntil(chosen, async () => {
    if (!has(new RegExp(` ${chosen}$`))) for (const key of ['end', 'ret']) await machine.key(key);
    return has(new RegExp(` ${chosen}$`));
  }, { timeoutMs: 60_000, everyMs: 1000 });
}

const testers: [loader: string, firmware: Firmware, flavour: string][] = [['ipxe', 'bios', 'ipxe'], ['ipxe', 'uefi', 'ipxe'], ['grub', 'uefi', 'grub'], ['grub', 'uefi-ia32', 'grub'], ['pxelinux', 'bios', 'pxelinux']];
for (const [index, [loader, firmware, flavour]] of testers.entries()) {
  test(`${loader} on ${firmware}: a person takes the last entry, and memtest86+ tests the memory, also on the serial console`, async () => {
    await ask(loader, ['local-disk', 'enlist', 'memory-test'], forEver);
    const machine = await newcomer(use().lab, { index: 2 + index, firmware });
    await machine.power('on');
    await takeLast(machine, 'chosen-memory-test');
    const scripts = scriptsOf(machine.spec.mac);
    await machine.waitForSerial(/Memtest86\+[\s\S]*Pass/, { timeoutMs: bootMs });
    assert.ok(scripts.includes(`${flavour} unknown-menu`) && scripts.includes(`${flavour} chosen-memory-test`), scripts.join(', '));
    assert.deepEqual(eventsOf(use().events, machine.spec.mac).filter((event) => event.type.startsWith('node.')), [], 'nobody hears of it');
    await machine.power('off');
  });
}

test('GRUB under Secure Boot: it would refuse the memory test and does not show it; the last entry is another', async () => {
  await ask('grub', ['local-disk', 'enlist', 'memory-test'], forEver);
  const machine = await newcomer(use().lab, { index: 8, firmware: 'uefi-secure' });
  await machine.power('on');
  await takeLast(machine, 'chosen-enlist');
  await machine.power('off');
});

test('iPXE on arm64: the memory test is no entry, and so not the one that is taken when the time is over', async () => {
  await ask('ipxe', ['memory-test', 'local-disk', 'enlist']);
  const machine = await newcomer(use().lab, { index: 9, firmware: 'uefi-arm64' });
  await machine.power('on');
  await waitUntil('a choice', () => scriptsOf(machine.spec.mac).length > 1, { timeoutMs: bootMs });
  await machine.power('off');
  assert.deepEqual(scriptsOf(machine.spec.mac), ['ipxe unknown-menu', 'ipxe chosen-local-disk']);
});

/** The menu of a machine nobody knows, shown by real loaders to nobody: the first entry is taken when the time is over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addInstaller, early, marker, profile } from './debian-installer.ts';
import { eventsOf, firstBoot, newcomer } from './first-boot.ts';
import { useLab } from './fixture.ts';
import { labNetwork } from './stack.ts';

const use = useLab('menu', '10.89', []);
const bootMs = 600_000;
const texts = { enlist: 'Enlist', 'local-disk': 'Local disk', 'profile-debian': 'Debian, not managed', 'netboot-xyz': 'netboot.xyz' } as const;

/** `first` is what nobody chooses. */
function ask(first: keyof typeof texts, loader: string): Promise<unknown> {
  const entries = [first, ...(Object.keys(texts) as (keyof typeof texts)[]).filter((boots) => boots !== first)].map((boots) => ({ text: texts[boots], boots }));
  return use().stack.client.put('/networks/pxe', { ...labNetwork(use().lab), loader, unknownMachines: 'menu', consoleMenu: { prompt: 'Lab: choose', timeoutSeconds: 2, entries } });
}
const scriptsOf = (mac: string): string[] => eventsOf(use().events, mac).filter((event) => event.type === 'boot.script-served')
  .map((event) => event.data as { rule: string; flavour?: string }).map(({ rule, flavour }) => `${flavour} ${rule}`);

test('iPXE: the machine is enlisted', async () => {
  await ask('enlist', 'ipxe');
  const machine = await newcomer(use().lab, { index: 0, firmware: 'bios' });
  const { checkIn } = await firstBoot(use(), machine, bootMs);
  assert.deepEqual([checkIn.firmware, ...scriptsOf(machine.spec.mac)], ['bios', 'ipxe unknown-menu', 'ipxe chosen-enlist']);
});

test('GRUB: it installs without being managed, kernel and initrd by HTTP', async () => {
  await addInstaller(use());
  await use().stack.client.put('/profiles/debian', { ...profile, template: early });
  await ask('profile-debian', 'grub');
  const machine = await newcomer(use().lab, { index: 1, firmware: 'uefi' });
  await machine.power('on');
  await machine.waitForSerial(marker, { timeoutMs: bootMs });
  const scripts = scriptsOf(machine.spec.mac);
  assert.ok(scripts.includes('grub unknown-menu') && scripts.at(-1) === 'grub chosen-profile', scripts.join(', '));
  assert.deepEqual(eventsOf(use().events, machine.spec.mac).filter((event) => event.type.startsWith('node.')), [], 'nobody hears of it');
  await machine.power('off');
});

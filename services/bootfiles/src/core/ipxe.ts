/** iPXE scripts. Pure text; one script serves BIOS and UEFI, which it tells apart by `${platform}`. */
import type { Mac } from '@ironbus/contracts';
import { assertBaseUrl, macInPath } from './kernel.ts';
import { isMemoryTest, memoryTest, type Menu, type MenuEntry } from './menu.ts';

/** What a loader is to do, whichever loader it is. `architecture` names the agent image for loaders that can not tell their own. */
export type BootAnswer =
  | { answer: 'agent' | 'hold'; rule: string; commandLine: readonly string[]; architecture: 'amd64' | 'arm64' }
  /** An installer’s kernel and initrd by URL. */
  | { answer: 'install'; rule: string; kernel: string; initrd: string; commandLine: readonly string[] }
  /** A profile that is an iPXE script: only iPXE can run it. */
  | { answer: 'install'; rule: string; chain: string }
  | { answer: 'menu'; rule: string; menu: Menu }
  | { answer: 'memory-test'; rule: string; options: readonly string[] }
  | { answer: 'local' | 'retry' | 'ignore'; rule: string };
export type Place = { baseUrl: string; mac: Mac };

/** Renders one answer. `chain --replace` keeps the stack flat however long a machine has to ask again. */
export function renderIpxe(boot: BootAnswer, place: Place): string {
  assertBaseUrl(place.baseUrl);
  return `#!ipxe\n# ironbus: ${boot.rule}\n${body(boot, place).join('\n')}\n`;
}

function body(boot: BootAnswer, place: Place): string[] {
  switch (boot.answer) {
    case 'agent':
    case 'hold': return renderAgent(boot, place);
    case 'menu': return renderMenu(boot.menu, place);
    case 'memory-test': return renderMemoryTest(boot.options, place);
    case 'install': return renderInstall(boot, place);
    case 'local': return renderLocal();
    case 'retry': return renderRetry(place);
    case 'ignore': return ['exit'];
  }
}

/** `initrd=initrd.img` is for the EFI stub, which finds the file by its iPXE name; BIOS ignores it. */
function renderAgent(boot: Extract<BootAnswer, { architecture: string }>, place: Place): string[] {
  const image = `${place.baseUrl}/agent-image/\${arch}`;
  return [
    'iseq ${buildarch} arm64 && set arch arm64 || set arch amd64',
    `kernel ${image}/vmlinuz initrd=initrd.img ${boot.commandLine.join(' ')} || goto retry`,
    `initrd --name initrd.img ${image}/initrd.img || goto retry`,
    'boot || goto retry',
    ...renderRetry(place),
  ];
}

/** Escape, and a console that can show no menu, take the first entry. */
function renderMenu({ prompt, timeoutSeconds, entries }: Menu, place: Place): string[] {
  const [preferred, elsewhere] = [entries[0]?.choice ?? 'retry', entries.find((entry) => !isMemoryTest(entry))?.choice ?? 'retry'];
  const first = preferred === elsewhere ? preferred : '${ironbus_first}';
  const chooseFirst = preferred === elsewhere ? [] : [`iseq \${buildarch} arm64 && set ironbus_first ${elsewhere} || set ironbus_first ${preferred}`];
  const timeout = timeoutSeconds === 255 ? '' : ` --timeout ${timeoutSeconds * 1000}`;
  const ask = [
    ':menu', `menu ${prompt}`, ...entries.map((entry) => `${isMemoryTest(entry) ? 'iseq ${buildarch} arm64 || ' : ''}item ${entry.choice} ${entry.text}`),
    `choose --default ${first}${timeout} ironbus_choice && goto \${ironbus_choice} || goto ${first}`,
  ];
  return [...chooseFirst, ...(timeoutSeconds === 0 ? [`goto ${first}`] : ask), ...entries.flatMap((entry) => [`:${entry.choice}`, doEntry(entry, place, timeoutSeconds)]), ...renderRetry(place)];
}

function doEntry(entry: MenuEntry, place: Place, timeoutSeconds: number): string {
  const back = timeoutSeconds === 0 ? 'retry' : 'menu';
  if (entry.does === 'ask') return `chain --replace --autofree ${place.baseUrl}/boot/${macInPath(place.mac)}/choice/${entry.choice}/script.ipxe || goto retry`;
  return entry.does === 'chain' ? `chain --autofree ${entry.url} || goto ${back}` : `kernel ${entry.url} && boot || goto ${back}`;
}

/** Where it can not be started, as under Secure Boot, the person is asked again. */
const renderMemoryTest = (options: readonly string[], place: Place): string[] => [
  `iseq \${platform} efi && set ironbus_test ${memoryTest.uefi} || set ironbus_test ${memoryTest.bios}`,
  `kernel ${place.baseUrl}/loaders/\${ironbus_test} ${options.join(' ')} || goto retry`, 'boot || goto retry',
  ...renderRetry(place),
];

function renderInstall(boot: Extract<BootAnswer, { answer: 'install' }>, place: Place): string[] {
  const start = 'chain' in boot ? [`chain --replace --autofree ${boot.chain} || goto retry`] : [
    `kernel ${boot.kernel} initrd=initrd.img ${boot.commandLine.join(' ')} || goto retry`, `initrd --name initrd.img ${boot.initrd} || goto retry`, 'boot || goto retry',
  ];
  return [...start, ...renderRetry(place)];
}

/** An iPXE that can not boot drive 0x80 hands over to the next boot device; UEFI goes on in its boot order only on an error. */
function renderLocal(): string[] {
  return [
    'iseq ${platform} efi && goto efi || goto bios',
    ':bios', 'sanboot --no-describe --drive 0x80 || exit',
    ':efi', 'exit 1',
  ];
}

function renderRetry(place: Place): string[] {
  return [':retry', 'imgfree', 'sleep 5', `chain --replace --autofree ${place.baseUrl}/boot/${macInPath(place.mac)}/script.ipxe || goto retry`];
}

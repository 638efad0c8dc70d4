/**
 * The same answers for GRUB: shim and signed GRUB under Secure Boot (which can not run iPXE), GRUB as a BIOS's PXE program, GRUB on
 * arm64. Pure text; one script serves them all, told apart by `$grub_platform` and `$grub_cpu` (GRUB manual, "Special environment
 * variables"). Only commands that signed builds carry: they can load no module from the network.
 */
import type { BootAnswer } from './ipxe.ts';
import { isMemoryTest, memoryTest, scriptOf, type Menu } from './menu.ts';

/**
 * `sources` are devices that the agent is fetched from, tried in order: `(http,10.77.0.1:5248)` is used where GRUB has the http
 * module (Debian 13's signed build has it, Debian 12's has not) and understands a port (GRUB 2.12), `(tftp,10.77.0.1)`, or '' for
 * whatever the script itself came from. `again` is this script's own path, asked once more where there is no answer yet.
 */
export type GrubPlace = { sources: readonly string[]; again: string };

/** Loaders that an installed system leaves on its EFI system partition, the system's own before the fallback (UEFI 2.10 §3.5.1.1). */
const shims = ['debian', 'ubuntu', 'fedora', 'rocky', 'almalinux', 'centos', 'redhat'].map((name) => `/EFI/${name}/shim$ironbus_efi.efi`);
const espLoaders = [
  ...shims, '/EFI/opensuse/shim.efi', '/EFI/debian/grub$ironbus_efi.efi', '/EFI/ubuntu/grub$ironbus_efi.efi',
  '/EFI/Microsoft/Boot/bootmgfw.efi', '/EFI/BOOT/BOOT$ironbus_efi.efi',
];

/** Throws where a source or the path is not one word that GRUB reads as such: that is a defect, not an input. */
export function renderGrub(boot: BootAnswer, place: GrubPlace): string {
  if (!place.sources.every((source) => /^(\((tftp|http),[A-Za-z0-9.:[\]-]+\))?$/.test(source))) throw new Error('a GRUB device is (tftp,host) or (http,host:port)');
  if (!/^(\((tftp|http),[A-Za-z0-9.:[\]-]+\))?\/[A-Za-z0-9_.:/-]+$/.test(place.again)) throw new Error('a GRUB path is a device and plain words');
  return `# ironbus: ${boot.rule}\nset timeout=0\n${body(boot, place).join('\n')}\n`;
}

function body(boot: BootAnswer, place: GrubPlace): string[] {
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

/** The kernel is of the CPU that GRUB runs on; a 32-bit UEFI on a 64-bit CPU (`i386`) starts the 64-bit one. */
function renderAgent(boot: Extract<BootAnswer, { architecture: string }>, place: GrubPlace): string[] {
  return [
    'set ironbus_arch=amd64',
    'if [ "$grub_cpu" = "arm64" ]; then set ironbus_arch=arm64; fi',
    'function ironbus_boot {',
    `  if linux $1/agent-image/$ironbus_arch/vmlinuz ${boot.commandLine.map(quote).join(' ')}; then`,
    '    if initrd $1/agent-image/$ironbus_arch/initrd.img; then boot; fi',
    '  fi',
    '}',
    ...bootFromAny(place),
    ...renderRetry(place),
  ];
}

/** Calls `ironbus_boot` with each source until one has what it wants. */
const bootFromAny = ({ sources }: GrubPlace): string[] =>
  sources.map((source) => source.startsWith('(http') ? `if insmod http; then ironbus_boot ${source}; fi` : `ironbus_boot ${source || '""'}`);

/** Entries that run a file or chain an iPXE menu are iPXE’s; nobody signed the memory test, which Secure Boot (`lockdown`) would refuse. A script that asks again has to end before GRUB shows a menu. */
function renderMenu({ prompt, timeoutSeconds, entries }: Menu, place: GrubPlace): string[] {
  const shown = entries.filter(({ does }) => does === 'ask');
  if (shown.length === 0) return renderLocal();
  return [
    'unset ironbus_asks', `set timeout=${timeoutSeconds === 255 ? -1 : timeoutSeconds}`, 'set default=0', `echo '${prompt}'`,
    ...shown.map((entry) => {
      const line = `menuentry '${entry.text}' { configfile ${scriptOf(place.again, entry.choice)} }`;
      return isMemoryTest(entry) ? `if [ "$grub_cpu" != "arm64" -a "$lockdown" != "y" ]; then ${line}; fi` : line;
    }),
  ];
}

function renderMemoryTest(options: readonly string[], place: GrubPlace): string[] {
  return [
    `set ironbus_test=${memoryTest.uefi}`,
    `if [ "$grub_cpu" = "i386" ]; then set ironbus_test=${memoryTest.uefi32}; fi`,
    `if [ "$grub_platform" = "pc" ]; then set ironbus_test=${memoryTest.bios}; fi`,
    'function ironbus_boot {',
    `  if linux $1/loaders/$ironbus_test ${options.map(quote).join(' ')}; then boot; fi`,
    '}',
    ...bootFromAny(place),
    ...renderRetry(place),
  ];
}

/** An installer’s files come by HTTP alone: they are too large for TFTP, and may lie elsewhere. GRUB speaks no TLS. */
function renderInstall(boot: Extract<BootAnswer, { answer: 'install' }>, place: GrubPlace): string[] {
  if ('chain' in boot || !boot.kernel.startsWith('http:') || !boot.initrd.startsWith('http:')) {
    return ['echo "ironbus: this profile needs iPXE (it is a script, or names https URLs)"', ...renderRetry(place)];
  }
  return [
    'if insmod http; then',
    `  if linux ${device(boot.kernel)} ${boot.commandLine.map(quote).join(' ')}; then`,
    `    if initrd ${device(boot.initrd)}; then boot; fi`,
    '  fi',
    'else',
    '  echo "ironbus: this GRUB has no http, which installers need: network-boot with iPXE, or a newer GRUB"',
    'fi',
    ...renderRetry(place),
  ];
}

const device = (url: string): string => url.replace(/^http:\/\/([^/]+)/, '(http,$1)');

/**
 * UEFI: the first loader found on any disk, then an error, upon which firmware goes on in its boot order. BIOS: the first disk's
 * boot sector, then back to the BIOS. `test -e (hd0)` would not do: a partitioned disk has no file system of its own. And `root` has to
 * be the disk: Debian 13's signed GRUB tells a loader that it came from there, whatever device its name begins with, and a shim that
 * believes it came from the network looks for its GRUB there (seen under OVMF).
 */
function renderLocal(): string[] {
  return [
    'if [ "$grub_platform" = "efi" ]; then',
    '  set ironbus_efi=x64',
    '  if [ "$grub_cpu" = "arm64" ]; then set ironbus_efi=aa64; fi',
    '  if [ "$grub_cpu" = "i386" ]; then set ironbus_efi=ia32; fi',
    `  for ironbus_file in ${espLoaders.join(' ')}; do`,
    '    if search --no-floppy --file --set=root $ironbus_file; then',
    '      if chainloader $ironbus_file; then boot; fi',
    '    fi',
    '  done',
    '  exit 1',
    'fi',
    'set root=hd0',
    'if chainloader +1; then boot; fi',
    'exit',
  ];
}

/** Asks again every 5 s for as long as it takes. Only the first script loops: the ones it reads return to it, so nothing piles up. */
const renderRetry = (place: GrubPlace): string[] => [
  'if [ -z "$ironbus_asks" ]; then',
  '  set ironbus_asks=y',
  '  while [ -n "$ironbus_asks" ]; do',
  '    sleep 5',
  `    source ${place.again}`,
  '  done',
  'fi',
];

/** GRUB reads single-quoted text as it is; words hold no quote (kernel.ts). */
const quote = (word: string): string => /^[A-Za-z0-9_.,:=/-]+$/.test(word) ? word : `'${word}'`;

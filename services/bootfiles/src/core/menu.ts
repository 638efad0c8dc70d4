/** The menu at the console of a machine nobody knows. Pure. */
import type { ConsoleMenu, Network } from '@ironbus/contracts';

const localDisk = { text: 'Boot from the local disk', boots: 'local-disk' } as const;
const usual: ConsoleMenu = {
  prompt: 'Nobody knows this machine', timeoutSeconds: 10,
  entries: [localDisk, { text: 'Enlist this machine', boots: 'enlist' }, { text: 'Rescue system in memory', boots: 'rescue' }, { text: 'Memory test', boots: 'memory-test' }],
};

export const menuOf = (network: Pick<Network, 'consoleMenu'>): ConsoleMenu => network.consoleMenu ?? usual;

/** An entry by what its loader does: asks for the script of the choice, runs a file, or chains somebody else’s menu. */
export type MenuEntry = { text: string; choice: string } & ({ does: 'ask' } | { does: 'run' | 'chain'; url: string });
/** At least one entry is no memory test, which a loader leaves out where it could not start it. */
export type Menu = { prompt: string; timeoutSeconds: number; entries: MenuEntry[] };

/** memtest86+ of the boot assets below `loaders/`: a Linux kernel to BIOS loaders, programs of UEFI, signed by nobody. */
export const memoryTest = { bios: 'memtest-x64.bin', uefi: 'memtest-x64.efi', uefi32: 'memtest-ia32.efi' } as const;
export const isMemoryTest = ({ choice }: MenuEntry): boolean => choice === 'memory-test';

/** That project’s own address for iPXE. */
const netbootXyz = 'http://boot.netboot.xyz/menu.ipxe';

export type There = { fileUrl: (id: string) => string | undefined; hasProfile: (id: string) => boolean; hasMemoryTest: boolean };

/** `there` says what is there now: an entry that would lead nowhere is left out. */
export function menuFor(network: Pick<Network, 'consoleMenu'>, there: There): Menu {
  const { prompt, timeoutSeconds, entries } = menuOf(network);
  const shown = entries.flatMap(({ text, boots }): MenuEntry[] => {
    if (boots === 'netboot-xyz') return [{ text, choice: boots, does: 'chain', url: netbootXyz }];
    if (boots === 'memory-test' && !there.hasMemoryTest) return [];
    if (boots.startsWith('profile-') && !there.hasProfile(boots.slice('profile-'.length))) return [];
    if (!boots.startsWith('file-')) return [{ text, choice: boots, does: 'ask' }];
    const url = there.fileUrl(boots.slice('file-'.length));
    return url === undefined ? [] : [{ text, choice: boots, does: 'run', url }];
  });
  const { text, boots } = localDisk;
  return { prompt, timeoutSeconds, entries: shown.every(isMemoryTest) ? [...shown, { text, choice: boots, does: 'ask' }] : shown };
}

/** Where the script of a choice lies, beside the menu’s own: `…/grub.cfg`, `…/choice/enlist/grub.cfg`. */
export const scriptOf = (menu: string, choice: string): string => menu.replace(/[^/]*$/, (file) => `choice/${choice}/${file}`);

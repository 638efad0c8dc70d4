/** The menu at the console of a machine nobody knows. Pure. */
import type { ConsoleMenu, Network } from '@ironbus/contracts';

const usual: ConsoleMenu = {
  prompt: 'Nobody knows this machine', timeoutSeconds: 10,
  entries: [{ text: 'Boot from the local disk', boots: 'local-disk' }, { text: 'Enlist this machine', boots: 'enlist' }, { text: 'Rescue system in memory', boots: 'rescue' }],
};

export const menuOf = (network: Pick<Network, 'consoleMenu'>): ConsoleMenu => network.consoleMenu ?? usual;

/** An entry by what its loader does: asks for the script of the choice, runs a file, or chains somebody else’s menu. */
export type MenuEntry = { text: string; choice: string } & ({ does: 'ask' } | { does: 'run' | 'chain'; url: string });
export type Menu = { prompt: string; timeoutSeconds: number; entries: MenuEntry[] };

/** That project’s own address for iPXE. */
const netbootXyz = 'http://boot.netboot.xyz/menu.ipxe';

/** `fileUrl` and `hasProfile` say what is there now: an entry that would lead nowhere is left out. */
export function menuFor(network: Pick<Network, 'consoleMenu'>, there: { fileUrl: (id: string) => string | undefined; hasProfile: (id: string) => boolean }): Menu {
  const { prompt, timeoutSeconds, entries } = menuOf(network);
  const shown = entries.flatMap(({ text, boots }): MenuEntry[] => {
    if (boots === 'netboot-xyz') return [{ text, choice: boots, does: 'chain', url: netbootXyz }];
    if (boots.startsWith('profile-') && !there.hasProfile(boots.slice('profile-'.length))) return [];
    if (!boots.startsWith('file-')) return [{ text, choice: boots, does: 'ask' }];
    const url = there.fileUrl(boots.slice('file-'.length));
    return url === undefined ? [] : [{ text, choice: boots, does: 'run', url }];
  });
  return { prompt, timeoutSeconds, entries: shown.length > 0 ? shown : [{ text: 'Boot from the local disk', choice: 'local-disk', does: 'ask' }] };
}

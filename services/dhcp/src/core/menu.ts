/**
 * The menu on a PXE ROM's screen (option 43 of PXE 2.1, table 2-1) and what its items lead to. The first entry is what
 * happens when nobody chooses. Its clients: BIOS ROMs, and EDK2 (PxeBcBoot.c, PxeBcSelectBootMenu), which both ask this
 * server's port 4011 for the item that was picked. iPXE is not shown one: its menus are scripts.
 */
import type { BootMenu } from '@ironbus/contracts';
import { PxeDiscovery, pxeSubOptions, type SubOption } from '@ironbus/wire';
import type { BootQuestion } from './boot.ts';
import type { ClientKind } from './client.ts';
import { firmwareOf, hasLoader } from './loaders.ts';

type Boots = BootMenu['entries'][number]['boots'];
export type MenuItem = { type: number; text: string; boots: Boots };

/** Boot server types from here to 0xfffe are a vendor's own; 0 is the local disk (PXE 2.1 table 2-1, sub-option 8). */
const firstType = 0x8000;
const localDisk = 0;
/** EDK2 reads option 43 as one piece, its length in one byte. */
const mostBytes = 255;

const romKinds: ReadonlySet<ClientKind> = new Set(['pxe-bios', 'pxe-uefi-ia32', 'pxe-uefi-x64', 'pxe-uefi-arm64']);

/** The entries that this client could boot; an item's type says where its entry stands in the configuration. */
export function menuItems({ client, network }: Pick<BootQuestion, 'client' | 'network'>): MenuItem[] {
  const firmware = firmwareOf(client.kind);
  if (firmware === undefined || !romKinds.has(client.kind)) return [];
  return (network.bootMenu?.entries ?? [])
    .map(({ text, boots }, index) => ({ type: boots === 'local-disk' ? localDisk : firstType + index, text, boots }))
    .filter(({ boots }) => boots === 'local-disk' || hasLoader(firmware, boots));
}

/** A person must choose for a machine that nobody knows and that would be enlisted, and for one that is being enlisted. */
export function menuDue(question: Pick<BootQuestion, 'client' | 'network' | 'policy'>): boolean {
  const { policy, network } = question;
  const open = policy === undefined ? network.unknownMachines === 'enlist' : policy.answer === 'enlist';
  return open && menuItems(question).length > 0;
}

/**
 * Option 43 of the menu. The client asks the listed server by unicast and takes no other (discovery control 7): EDK2 wants
 * a server for each type that can be picked (PxeBcExtractDiscoverInfo), iPXE's pxebs reads the same list.
 */
export function menuVendorOptions({ client, network }: Pick<BootQuestion, 'client' | 'network'>): SubOption[] {
  const items = menuItems({ client, network });
  const servers = items.filter(({ type }) => type !== localDisk).map(({ type }) => ({ type, addresses: [network.serverAddress] }));
  const fixed = 3 + 2 + 7 * servers.length + 2 + 3 * items.length + 2 + 1 + 1;
  const [prompt = '', ...texts] = fit([network.bootMenu?.prompt ?? '', ...items.map(({ text }) => text)], mostBytes - fixed);
  return pxeSubOptions({
    discoveryControl: PxeDiscovery.noBroadcast | PxeDiscovery.noMulticast | PxeDiscovery.onlyListedServers,
    ...(servers.length > 0 && { bootServers: servers }),
    bootMenu: items.map(({ type }, index) => ({ type, text: texts[index] ?? '' })),
    menuPrompt: { seconds: network.bootMenu?.timeoutSeconds ?? 0, text: prompt },
  });
}

/** Printable ASCII, for a ROM has no other letters; the longest texts are cut until all fit into `bytes`. */
function fit(texts: readonly string[], bytes: number): string[] {
  const plain = texts.map((text) => text.replace(/[^\x20-\x7e]/gu, '?'));
  const total = (limit: number): number => plain.reduce((sum, text) => sum + Math.min(text.length, limit), 0);
  let limit = Math.max(0, ...plain.map((text) => text.length));
  while (limit > 0 && total(limit) > bytes) limit -= 1;
  return plain.map((text) => text.slice(0, limit));
}

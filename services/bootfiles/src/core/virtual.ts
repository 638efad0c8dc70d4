/**
 * What a path asked over TFTP means. Nothing of it lies on a disk: loaders ask by habit, each in its own spelling, and every
 * spelling leads to the same decision. Ids in a path are hints that must agree with the asker, never how it is known. Pure.
 *
 * - GRUB: `<prefix>/grub.cfg`; the prefix is `/grub` in the signed network GRUB of Debian and Ubuntu, which asks
 *   `<prefix>/x86_64-efi/grub.cfg` first, `EFI/<distribution>` or the loader's own directory elsewhere. Its `normal` command
 *   looks for `grub.cfg-<uuid>`, `-01-<mac>` and `-<address in hex>`, cut shorter digit by digit (GRUB, net.c, grub_net_search_config_file).
 * - PXELINUX: `pxelinux.cfg/` with `<uuid>`, `01-<mac>`, the address in hex cut shorter, `default` (Syslinux wiki, "PXELINUX", Configuration).
 * - Raspberry Pi: every file below `<serial>/` (eight hex digits) or `<mac>/`, and without a prefix where those are not found
 *   (Raspberry Pi documentation, "Network boot", TFTP_PREFIX).
 */
import { parseMac, type Mac } from '@ironbus/contracts';

/** `addressHex` are the leading digits of an IPv4 address in hex, upper case. */
export type Hint = { mac?: Mac; addressHex?: string; choice?: string };
export type Flavour = 'grub' | 'pxelinux' | 'pi';
export type VirtualFile =
  | { flavour: 'grub' | 'pxelinux'; hint: Hint }
  | { flavour: 'pi'; hint: Hint; file: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const mac = '[0-9a-f]{2}(?:[-:][0-9a-f]{2}){5}';
const typedMac = new RegExp(`^[0-9a-f]{2}[-:](${mac})$`);
const piPrefix = new RegExp(`^(?:[0-9a-f]{8}|(${mac}))/(.+)$`);
/** What a Pi asks without a prefix, by names that nobody else uses. */
const piAlone = /^(config\.txt|cmdline\.txt|bootcode\.bin|start[0-9a-z_]*\.elf|fixup[0-9a-z_]*\.dat|bcm27[0-9a-z-]+\.dtb|overlays\/.+)$/;

/** Undefined for a path that nothing is rendered for. `path` has no leading slash; case does not matter. */
export function parseVirtual(path: string): VirtualFile | undefined {
  if (!/^[\x21-\x7e]{1,255}$/.test(path) || path.split('/').some((part) => /^\.*$/.test(part))) return undefined;
  const lower = path.toLowerCase();
  const grub = /(?:^|\/)grub\.cfg(?:-(.+))?$/.exec(lower);
  if (grub !== null) return withChoice(hinted('grub', grub[1] ?? 'default'), lower);
  const pxelinux = /(?:^|\/)pxelinux\.cfg\/(?:choice\/[^/]+\/)?([^/]+)$/.exec(lower);
  if (pxelinux !== null) return withChoice(hinted('pxelinux', pxelinux[1] ?? ''), lower);
  return parsePi(path);
}

/** `…/choice/<choice>/grub.cfg` and `pxelinux.cfg/choice/<choice>/default` are what an entry of our own menu reads. */
function withChoice(file: VirtualFile | undefined, path: string): VirtualFile | undefined {
  const choice = /(?:^|\/)choice\/([a-z0-9-]{1,63})\/(?:grub\.cfg|default)$/.exec(path)?.[1];
  return file === undefined || choice === undefined ? file : { ...file, hint: { ...file.hint, choice } };
}

function hinted(flavour: 'grub' | 'pxelinux', name: string): VirtualFile | undefined {
  if (uuid.test(name) || /^default(-[a-z0-9]+)?$/.test(name)) return { flavour, hint: {} };
  const found = parseMac(typedMac.exec(name)?.[1] ?? '');
  if (found !== undefined) return { flavour, hint: { mac: found } };
  return /^[0-9a-f]{1,8}$/.test(name) ? { flavour, hint: { addressHex: name.toUpperCase() } } : undefined;
}

/** A Pi spells its prefix in lower case; its file names keep theirs. */
function parsePi(path: string): VirtualFile | undefined {
  const prefixed = piPrefix.exec(path.replace(/^[^/]*/, (prefix) => prefix.toLowerCase()));
  const file = prefixed?.[2] ?? (piAlone.test(path) ? path : undefined);
  const found = parseMac(prefixed?.[1] ?? '');
  return file === undefined ? undefined : { flavour: 'pi', hint: found === undefined ? {} : { mac: found }, file };
}

/** Whether the digits are the beginning of this address in hex; an IPv6 asker has none. */
export function isAddressHex(digits: string, address: string): boolean {
  const parts = address.split('.').map(Number);
  return parts.length === 4 && parts.map((part) => part.toString(16).padStart(2, '0')).join('').toUpperCase().startsWith(digits);
}

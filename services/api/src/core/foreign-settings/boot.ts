/**
 * What a DHCP server that is not ours has to say so that machines come to us: the same loaders that our own would name
 * (services/dhcp, its boot table), by what the client says of itself.
 */
import type { Network } from '@ironbus/contracts';

export type Place = Pick<Network, 'id' | 'cidr' | 'serverAddress' | 'baseUrl'>;

export type ForeignSettings = {
  server: string;
  /** Product and versions that the text is for. */
  product: string;
  /** Where a person puts it. */
  where: string;
  settings: string;
  /** What this product can not do, and what to do about it. */
  limits: readonly string[];
};

/** Option 93, RFC 4578 §2.1 and its registry; 9 is what some x64 firmware says. HTTP boot: UEFI 2.10 §24.7. */
export type Firmware = { name: string; what: string; vendorClass: 'PXEClient' | 'HTTPClient'; architectures: readonly number[]; file: string };

export const firmwares = ({ baseUrl }: Place): readonly Firmware[] => [
  { name: 'bios', what: 'BIOS', vendorClass: 'PXEClient', architectures: [0], file: 'undionly.kpxe' },
  { name: 'x64', what: 'UEFI x64', vendorClass: 'PXEClient', architectures: [7, 9], file: 'snponly.efi' },
  { name: 'arm64', what: 'UEFI arm64', vendorClass: 'PXEClient', architectures: [11], file: 'ipxe-arm64.efi' },
  { name: 'http-x64', what: 'UEFI HTTP boot x64', vendorClass: 'HTTPClient', architectures: [16], file: `${baseUrl}/loaders/snponly.efi` },
  { name: 'http-arm64', what: 'UEFI HTTP boot arm64', vendorClass: 'HTTPClient', architectures: [19], file: `${baseUrl}/loaders/ipxe-arm64.efi` },
];

/**
 * One string for every machine: iPXE expands settings in a file name that it got by DHCP (its src/usr/autoboot.c, since 2011),
 * and netX is the device that it boots by (src/net/netdev_settings.c, since 2013).
 */
export const scriptUrl = ({ baseUrl }: Place): string => `${baseUrl}/boot/\${netX/mac:hexhyp}/script.ipxe`;

/** Sub-option 176 = 1 of option 175: iPXE does not wait for a ProxyDHCP server. */
export const noProxyDhcp = Uint8Array.of(0xb0, 1, 1);

export const hexOf = (bytes: Uint8Array, separator: string): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator);

export const byHand = 'Secure Boot takes none of these loaders: such machines need mode "proxy" or "authoritative", where Ironbus answers them itself';
export const everywhere = 'it counts for every network that this server serves: where that is too much, move the boot settings into the one that is meant';

/** DHCP options that a person sets: how their text becomes bytes, and which codes are the server's own. */
import { isIPv4 } from 'node:net';
import type { DhcpOption, Network } from '../network.ts';
import type { Report } from './report.ts';

export type OptionBytes = { ok: true; bytes: Uint8Array } | { ok: false; why: string };

const optionBytes = 255;
const widths = { u8: 1, u16: 2, u32: 4 } as const;

/** The bytes of an option as its type says; for everyone who writes such an option into a packet. Never throws. */
export function readDhcpOption({ type, value }: Pick<DhcpOption, 'type' | 'value'>): OptionBytes {
  switch (type) {
    case 'text': return readText(value);
    case 'hex': return readHex(value);
    case 'ip': return readList(value, 4, (word) => (isIPv4(word) ? word.split('.').map(Number) : undefined), 'an IPv4 address');
    case 'u8': case 'u16': case 'u32': return readNumbers(value, widths[type]);
  }
}

function readText(value: string): OptionBytes {
  if (value === '') return { ok: false, why: 'is empty: an option has at least one byte (RFC 2132 §2)' };
  if (value.includes('\0')) return { ok: false, why: 'has a zero byte in it, where clients end the text: use type hex if it must be' };
  return { ok: true, bytes: new Uint8Array(Buffer.from(value, 'utf8')) };
}

/** Digits in pairs; the pairs may stand apart by colons, dashes or spaces. */
function readHex(value: string): OptionBytes {
  const digits = value.trim().replace(/^0x/i, '').replace(/(?<=[0-9a-f]{2})[:\- ](?=[0-9a-f]{2})/gi, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits)) return { ok: false, why: 'is not hex: write pairs of the digits 0 to f, such as 01:04:ff' };
  return { ok: true, bytes: new Uint8Array(Buffer.from(digits, 'hex')) };
}

function readNumbers(value: string, width: number): OptionBytes {
  const limit = 2 ** (8 * width);
  const read = (word: string): number[] | undefined => {
    const number = /^\d{1,10}$/.test(word) ? Number(word) : limit;
    return number < limit ? Array.from({ length: width }, (_, at) => Math.floor(number / 2 ** (8 * (width - 1 - at))) % 256) : undefined;
  };
  return readList(value, width, read, `a whole number from 0 to ${limit - 1}`);
}

function readList(value: string, width: number, read: (word: string) => number[] | undefined, what: string): OptionBytes {
  const words = value.split(',').map((word) => word.trim());
  const bytes = new Uint8Array(words.length * width);
  for (const [index, word] of words.entries()) {
    const item = read(word);
    if (item === undefined) return { ok: false, why: `has ${JSON.stringify(word)}, which is not ${what}: write one, or several with commas` };
    bytes.set(item, index * width);
  }
  return { ok: true, bytes };
}

/** Codes that are not a person's to set, each with what to do instead. One row for each run of codes. */
const ownCodes: readonly (readonly [first: number, last: number, why: string])[] = [
  [1, 1, 'the subnet mask comes from cidr'],
  [3, 3, 'set gateway'],
  [6, 6, 'set dnsServers'],
  [12, 12, 'set hostname in a reservation, or name the machine'],
  [13, 13, 'the size of the boot file belongs to the file, which boot decisions choose: set loader'],
  [15, 15, 'set domain'],
  [26, 26, 'set mtu'],
  [28, 28, 'the broadcast address comes from cidr'],
  [33, 33, 'it is obsolete (RFC 3442): set staticRoutes'],
  [42, 42, 'set ntpServers'],
  [43, 43, 'the server writes it for the client that asks: a menu for PXE firmware is bootMenu'],
  [50, 50, 'only clients send it: to keep an address for a machine, set a reservation'],
  [51, 51, 'set leaseSeconds'],
  [52, 52, 'the server overloads where a packet is full'],
  [53, 53, 'it is the type of the message'],
  [54, 54, 'set serverAddress'],
  [55, 55, 'only clients send it'],
  [56, 56, 'the server writes it into a refusal'],
  [57, 57, 'only clients send it'],
  [58, 59, 'they follow from leaseSeconds (RFC 2131 §4.4.5)'],
  [60, 60, 'the server answers it where firmware needs it: UEFI takes PXEClient for another boot server'],
  [61, 61, 'it is the client’s own, echoed (RFC 6842)'],
  [66, 66, 'machines that boot are told serverAddress, others must not be'],
  [67, 67, 'boot decisions choose the file, and an installer would take it for its preseed: set loader'],
  [77, 77, 'only clients send it'],
  [80, 80, 'it changes the protocol, which is the server’s to decide'],
  [81, 81, 'the server answers the client’s: set hostname in a reservation, and domain'],
  [82, 82, 'relays write it, and it is echoed'],
  [90, 92, 'they belong to the protocol'],
  [93, 94, 'only clients send it'],
  [97, 97, 'only clients send it'],
  [118, 118, 'only clients send it'],
  [119, 119, 'set searchDomains'],
  [121, 121, 'set staticRoutes'],
  [145, 145, 'it belongs to the protocol'],
  [151, 157, 'they belong to lease queries (RFC 6926)'],
  [175, 175, 'the server writes it for iPXE'],
  [208, 211, 'the server writes them for PXELINUX: set loader'],
  [220, 221, 'they belong to servers and relays'],
  [249, 249, 'Windows reads staticRoutes (121) too: set those'],
];

/** Why this code can not be set and what to set instead; undefined where it can. */
export const ownCode = (code: number): string | undefined => ownCodes.find(([first, last]) => code >= first && code <= last)?.[2];

export function checkOptions(network: Network, report: Report): void {
  checkList(network.options ?? [], '/options', report);
  network.reservations.forEach(({ options = [] }, index) => checkList(options, `/reservations/${index}/options`, report));
}

function checkList(options: readonly DhcpOption[], path: string, report: Report): void {
  options.forEach((option, index) => {
    const at = `${path}/${index}`;
    const own = ownCode(option.code);
    if (own !== undefined) return report('error', at, `option ${option.code} can not be set here: ${own}`);
    const first = options.findIndex((other) => other.code === option.code);
    if (first < index) report('error', at,
      `option ${option.code} is set as entry ${first + 1} already: keep one; several values go into one entry with commas`);
    const read = readDhcpOption(option);
    if (!read.ok) return report('error', at, `option ${option.code}: ${JSON.stringify(option.value.slice(0, 60))} ${read.why}`);
    if (read.bytes.length > optionBytes) report('warning', at,
      `option ${option.code} takes ${read.bytes.length} bytes: it is split in parts of ${optionBytes} (RFC 3396), which not every client joins`);
  });
}

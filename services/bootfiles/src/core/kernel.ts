/** The kernel command line of the agent (agent-protocol.md), made of checked words only. Pure. */
import { macToken, type Mac } from '@ironbus/contracts';

/** `01-52-54-00-77-00-01`, hardware type first, as pxelinux writes it. */
export const bootInterface = (mac: Mac): string => `01-${mac.replaceAll(':', '-')}`;
/** `52-54-00-77-00-01`, as boot URLs write a MAC. */
export const macInPath = (mac: Mac): string => mac.replaceAll(':', '-');

const consoles = ['console=tty0', 'console=ttyS0,115200'];

/** What memtest86+ is told: the serial port that the agent would have as its console, of the four that it knows by number (its README, "Boot Options"). */
export const memoryTestOptions = (extra: readonly string[]): string[] =>
  [...consoles, ...extra].filter((word) => /^console=ttyS[0-3](,[0-9]+[noe]?[78]?r?)?$/.test(word)).slice(-1);

export type CommandLine = { baseUrl: string; token: string; mac: Mac; quick: readonly string[]; extra: readonly string[] };

/** The words of the command line, ours first. Throws where a word of ours is not one: that is a defect, not an input. */
export function commandLine(from: CommandLine): string[] {
  const ours = [
    `ironbus.url=${from.baseUrl}`, `ironbus.token=${from.token}`, `BOOTIF=${bootInterface(from.mac)}`, ...consoles,
  ];
  if (!/^[A-Za-z0-9_-]{43}$/.test(from.token)) throw new Error('a boot token is 43 base64url characters');
  if (!/^[0-9a-f]{12}$/.test(macToken(from.mac))) throw new Error('a MAC is twelve hex digits');
  assertBaseUrl(from.baseUrl);
  return [...ours, ...from.quick, ...from.extra];
}

/** Throws where a base URL could be read as anything but one word by a boot loader. */
export function assertBaseUrl(baseUrl: string): void {
  if (!/^https?:\/\/[A-Za-z0-9.:[\]-]{1,190}$/.test(baseUrl)) throw new Error('a base URL is a scheme, a host and a port');
}

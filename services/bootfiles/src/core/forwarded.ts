/** The `Forwarded` header (RFC 7239 §4), of which a rack needs one thing: for whom its own TFTP service asks. Pure. */
import { parseIpv4, type IpAddress } from '@ironbus/contracts';
import { canonicalAddress } from './address.ts';

/**
 * The address of `for=` in a header of exactly one element: `for=10.77.0.9`, `for="10.77.0.9:2070"`, `for="[fd00::9]"` (§6).
 * Undefined for everything else: no header, a chain of proxies, an obfuscated name, `unknown`.
 */
export function parseForwarded(header: string | undefined): IpAddress | undefined {
  const pairs = (header ?? '').split(';').map((pair) => /^\s*([a-z]+)=(?:"([^",]*)"|([^",]*?))\s*$/i.exec(pair));
  const given = pairs.filter((pair) => pair?.[1]?.toLowerCase() === 'for');
  if (pairs.includes(null) || given.length !== 1) return undefined;
  const node = given[0]?.[2] ?? given[0]?.[3] ?? '';
  const inner = /^\[(.+)\](?::\d{1,5})?$/.exec(node)?.[1];
  const address = inner === undefined ? node.replace(/^([\d.]+):\d{1,5}$/, '$1') : inner;
  if (inner === undefined ? parseIpv4(address) === undefined : !/^(?=.*:.*:)[0-9a-f:.]{2,45}$/i.test(address)) return undefined;
  return canonicalAddress(address);
}

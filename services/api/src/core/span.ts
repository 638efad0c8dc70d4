/** Whether an address is in a range or a prefix, both as text. What is no IPv4 address is in none. */
import { contains, parseCidr, parseIpv4 } from '@ironbus/wire';

export function spanHolds({ from, to }: { from: string; to: string }, address: string): boolean {
  const [first, last, value] = [parseIpv4(from), parseIpv4(to), parseIpv4(address)];
  return first !== undefined && last !== undefined && value !== undefined && value >= first && value <= last;
}

export function networkHolds({ cidr }: { cidr: string }, address: string): boolean {
  const prefix = parseCidr(cidr);
  const value = parseIpv4(address);
  return prefix !== undefined && value !== undefined && contains(prefix, value);
}

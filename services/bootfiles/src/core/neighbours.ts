/** The kernel's IPv4 neighbour table, and whom it may be asked about. Pure. */
import { parseIpv4, parseMac, type Mac, type Network } from '@ironbus/contracts';

/** `ATF_COM` of linux/if_arp.h: the MAC is known. */
const complete = 0x2;

/** The MAC behind an address on one device, in the text of /proc/net/arp (proc_net(5)). */
export function findNeighbour(arp: string, { address, device }: { address: string; device: string }): Mac | undefined {
  const row = arp.split('\n').slice(1).map((line) => line.trim().split(/\s+/)).find((words) => words[0] === address && words[5] === device);
  const mac = row === undefined || (Number(row[2]) & complete) === 0 ? undefined : parseMac(row[3] ?? '');
  return mac === '00:00:00:00:00:00' ? undefined : mac;
}

/**
 * Networks where somebody else gives out addresses, so that `bindings` may not know them, and whose machines share a wire with this rack.
 * On an authoritative network an address without a binding is one that nobody gave.
 */
export const isAsked = (network: Network, rack: string, address: string): boolean =>
  network.rack === rack && network.mode !== 'authoritative' && !network.relayed && parseIpv4(address) !== undefined;

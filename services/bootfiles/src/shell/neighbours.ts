/** Asks the kernel who is behind an address. The table is memory, not a disk: read at once, a few microseconds for a full one. */
import { readFileSync } from 'node:fs';
import type { IpAddress, Mac, Network } from '@ironbus/contracts';
import { findNeighbour } from '../core/neighbours.ts';

/** Undefined too where there is no such table (no IPv4, no Linux). */
export function neighbourOf(address: IpAddress, { interface: device }: Network): Mac | undefined {
  try {
    return findNeighbour(readFileSync('/proc/net/arp', 'latin1'), { address, device });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Who a simulated machine is. Pure. */
import { createHash } from 'node:crypto';

export type Firmware = 'bios' | 'uefi';
export type Spec = { name: string; mac: string; uuid: string; serial: string; firmware: Firmware };

/** The `n`-th machine of a seed, up to 16 million of them; its MAC is locally administered. */
export function specOf(seed: number, n: number, firmware: Firmware = 'bios'): Spec {
  const digest = createHash('sha256').update(`ironbus-sim ${seed} ${n}`).digest('hex');
  const mac = ['02', digest.slice(0, 2), digest.slice(2, 4), ...(n.toString(16).padStart(6, '0').match(/../g) ?? [])].join(':');
  const uuid = [digest.slice(4, 12), digest.slice(12, 16), `4${digest.slice(17, 20)}`, `8${digest.slice(21, 24)}`, digest.slice(24, 36)].join('-');
  return { name: `m${n}`, mac, uuid, serial: `SIM-${seed}-${n}`, firmware };
}

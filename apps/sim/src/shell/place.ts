/** Where a machine stands: what it is wired to, and what goes wrong there. */
import type { Dice } from '../core/dice.ts';
import type { DhcpWire } from './dhcp-wire.ts';

export type Place = {
  readonly wire: DhcpWire; readonly dice: Dice;
  readonly tftpPort: number;
  /** Every wait of firmware and agent times this: 1 but in tests. */
  readonly pace: number;
  /** What is done about kernel and initrd: `get` reads them whole, `head` asks how long they are. */
  readonly files: 'get' | 'head';
};

/** Who can switch a machine. */
import type { Node } from '@ironbus/contracts';

/** True where a power service can: a driver, its parameters, and a rack that is beside the BMC. */
export const canSwitch = (node: Node): boolean =>
  node.power.type !== 'manual' && node.power.parametersSet && (node.bmcRack ?? node.bootRack) !== null;

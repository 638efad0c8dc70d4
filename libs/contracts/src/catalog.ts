/** Every event type there is. */
import type { EventDefinition } from './define-event.ts';
import { bootFileServed, bootRefused, bootScriptServed } from './events/boot.ts';
import {
  dhcpAddressConflict, dhcpAuthorityRefused, dhcpBootAnswered, dhcpDiscover, dhcpFloodLimited, dhcpIgnored, dhcpInform, dhcpNak, dhcpProbed, dhcpRequest,
  dhcpRogueServerSeen, dhcpStoreLost, dhcpStoreRegained,
} from './events/dhcp.ts';
import { leaseDeclined, leaseExpired, leaseGranted, leaseOffered, leaseReleased, leaseRenewed } from './events/lease.ts';
import { nodeCheckedIn, nodeHeartbeat, nodeInventoryReported, nodeLogReported, nodePhonedHome, nodeStatusReported, nodeStepClaimed, nodeStepReported } from './events/machine.ts';
import { nodeDeadlinePassed, nodeDiscovered, nodeRemoved, nodeRequestRefused, nodeSnapshotted, nodeTransitioned, nodeUpdated } from './events/node.ts';
import { powerChanged, powerFailed, powerObserved, powerRequested } from './events/power.ts';
import { auditRecorded, imageAdded, imageRemoved, layerChanged, networkChanged, networkProbeRequested, rackJoined, profileChanged } from './events/region.ts';
import { nodeRequests } from './events/request.ts';
import { tftpCompleted, tftpFailed, tftpRefused, tftpRrq } from './events/tftp.ts';

export const catalog: readonly EventDefinition[] = [
  dhcpDiscover, dhcpRequest, dhcpInform, dhcpNak, dhcpIgnored, dhcpBootAnswered,
  dhcpRogueServerSeen, dhcpAuthorityRefused, dhcpProbed, dhcpAddressConflict, dhcpStoreLost, dhcpStoreRegained, dhcpFloodLimited,
  leaseOffered, leaseGranted, leaseRenewed, leaseReleased, leaseExpired, leaseDeclined,
  tftpRrq, tftpCompleted, tftpFailed, tftpRefused,
  bootScriptServed, bootFileServed, bootRefused,
  nodeCheckedIn, nodeInventoryReported, nodeStepClaimed, nodeStepReported, nodeHeartbeat, nodeLogReported, nodePhonedHome, nodeStatusReported,
  powerRequested, powerChanged, powerFailed, powerObserved,
  nodeDiscovered, nodeTransitioned, nodeUpdated, nodeRequestRefused, nodeRemoved, nodeSnapshotted, nodeDeadlinePassed,
  ...nodeRequests,
  networkChanged, networkProbeRequested, imageAdded, imageRemoved, profileChanged, layerChanged, rackJoined, auditRecorded,
];

import {
  auditRecorded, bmcBucket, defineManifest, deployDataBucket, dhcpServersBucket, imageAdded, imageRemoved, imagesBucket, leaseDeclined, leaseExpired,
    leaseGranted, leaseReleased, leaseRenewed, networkChanged, networkProbeRequested, networksBucket, nodeDiscovered,
  nodeInventoryReported, nodeRemoved, nodeRequestRefused, nodeRequests, nodeSnapshotted, nodeTransitioned, nodeUpdated, rackJoined, racksBucket,
} from '@ironbus/contracts';

export const projectNodes = {
  durable: 'api-project-nodes',
  events: [nodeDiscovered, nodeTransitioned, nodeUpdated, nodeSnapshotted, nodeRemoved, nodeInventoryReported, nodeRequestRefused],
};

export const projectLeases = {
  durable: 'api-project-leases',
  events: [leaseGranted, leaseRenewed, leaseReleased, leaseExpired, leaseDeclined],
};

export const manifest = defineManifest({
  service: 'api',
  publishes: [...nodeRequests, networkChanged, networkProbeRequested, imageAdded, imageRemoved, rackJoined, auditRecorded],
  consumes: [projectNodes, projectLeases],
  writes: [networksBucket, imagesBucket, racksBucket, bmcBucket, deployDataBucket],
  watches: [networksBucket, imagesBucket, racksBucket, dhcpServersBucket],
});

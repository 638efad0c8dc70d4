import {
  auditRecorded, bmcBucket, bootPoliciesBucket, defineManifest, deployDataBucket, dhcpServersBucket, imageAdded, imageRemoved, imagesBucket, layerChanged, layersBucket, leaseDeclined, leaseExpired,
    leaseGranted, leaseReleased, leaseRenewed, networkChanged, networkProbeRequested, networksBucket, nodeDiscovered,
  nodeInventoryReported, nodeRemoved, nodeRequestRefused, nodeRequests, nodeSnapshotted, nodeTransitioned, nodeUpdated, profileChanged, profilesBucket, rackJoined, racksBucket,
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
  publishes: [...nodeRequests, networkChanged, networkProbeRequested, imageAdded, imageRemoved, profileChanged, layerChanged, rackJoined, auditRecorded],
  consumes: [projectNodes, projectLeases],
  writes: [networksBucket, imagesBucket, profilesBucket, layersBucket, racksBucket, bmcBucket, deployDataBucket],
  watches: [networksBucket, imagesBucket, profilesBucket, layersBucket, racksBucket, dhcpServersBucket, bootPoliciesBucket],
});

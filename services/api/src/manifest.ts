import {
  auditRecorded, bmcBucket, defineManifest, deployDataBucket, imageAdded, imageRemoved, imagesBucket, networkChanged, networksBucket, nodeDiscovered,
  nodeInventoryReported, nodeRemoved, nodeRequestRefused, nodeRequests, nodeSnapshotted, nodeTransitioned, nodeUpdated, rackJoined, racksBucket,
} from '@ironbus/contracts';

export const projectNodes = {
  durable: 'api-project-nodes',
  events: [nodeDiscovered, nodeTransitioned, nodeUpdated, nodeSnapshotted, nodeRemoved, nodeInventoryReported, nodeRequestRefused],
};

export const manifest = defineManifest({
  service: 'api',
  publishes: [...nodeRequests, networkChanged, imageAdded, imageRemoved, rackJoined, auditRecorded],
  consumes: [projectNodes],
  writes: [networksBucket, imagesBucket, racksBucket, bmcBucket, deployDataBucket],
  watches: [networksBucket, imagesBucket, racksBucket],
});

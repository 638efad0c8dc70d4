import {
  bootPoliciesBucket, defineManifest, nodeCheckedIn, nodeDeadlinePassed, nodeDiscovered, nodeInventoryReported, nodePhonedHome, nodeRemoved, nodeRequestRefused,
  nodeRequests, nodeSnapshotted, nodeStepClaimed, nodeStepReported, nodeTransitioned, nodeUpdated, powerChanged, powerFailed, powerObserved, powerRequested,
} from '@ironbus/contracts';

export const advanceNode = {
  durable: 'lifecycle-advance-node',
  events: [
    nodeCheckedIn, nodeInventoryReported, nodeStepClaimed, nodeStepReported, nodePhonedHome, powerChanged, powerFailed, powerObserved, ...nodeRequests,
  ],
} as const;

export const manifest = defineManifest({
  service: 'lifecycle',
  publishes: [
    nodeDiscovered, nodeTransitioned, nodeUpdated, nodeRequestRefused, nodeRemoved, nodeSnapshotted, nodeDeadlinePassed, powerRequested,
  ],
  consumes: [advanceNode],
  writes: [bootPoliciesBucket],
  watches: [bootPoliciesBucket],
});

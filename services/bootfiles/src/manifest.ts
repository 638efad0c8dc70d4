import {
  bindingsBucket, bootFileServed, bootPoliciesBucket, bootRefused, bootScriptServed, defineManifest, deployDataBucket, imagesBucket, layersBucket, networksBucket, profilesBucket,
  nodeCheckedIn, nodeHeartbeat, nodeInventoryReported, nodeLogReported, nodePhonedHome, nodeStatusReported, nodeStepClaimed, nodeStepReported, racksBucket, type EventDefinition,
} from '@ironbus/contracts';

/** bootfiles consumes no events: it answers from the buckets it watches. */
export const manifest = defineManifest({
  service: 'bootfiles',
  publishes: [
    bootScriptServed, bootFileServed, bootRefused, nodeCheckedIn, nodeInventoryReported, nodeStepClaimed, nodeStepReported, nodeHeartbeat,
    nodeLogReported, nodePhonedHome, nodeStatusReported,
  ] as unknown as EventDefinition[],
  consumes: [],
  writes: [],
  watches: [networksBucket, bootPoliciesBucket, imagesBucket, profilesBucket, layersBucket, bindingsBucket, deployDataBucket, racksBucket],
});

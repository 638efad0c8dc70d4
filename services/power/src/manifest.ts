import { bmcBucket, bootPoliciesBucket, defineManifest, powerChanged, powerFailed, powerObserved, powerRequested } from '@ironbus/contracts';

/** One durable per rack: each rack reads all requests and acts on its own. */
export const applyRequest = { durable: 'power-apply-request', events: [powerRequested] };

export const manifest = defineManifest({
  service: 'power',
  publishes: [powerChanged, powerFailed, powerObserved],
  consumes: [applyRequest],
  writes: [],
  watches: [bmcBucket, bootPoliciesBucket],
});

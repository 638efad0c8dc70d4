/** The face of @ironbus/contracts: everything that crosses the bus, and what all need to judge it. */
export {
  MacAddress, Ipv4Address, IpAddressText, Token, NodeIdText, RackIdText, EventIdText, Timestamp, DurationSeconds, Sha256, Hostname, parseMac,
  macToken, parseIpv4, parseToken, parseNodeId, parseRackId, provisionalNodeId, type Brand, type Mac, type Ipv4, type IpAddress, type NodeId, type
  RackId, type EventId,
} from './primitives.ts';
export { services, rackServices, regionToken, type ServiceName } from './services.ts';
export { errorTable, IronbusError, type ErrorCode } from './errors.ts';
export { defineEvent, lazyCheck, type StreamName, type KeyKind, type Violation, type EventDefinition, type DataOf } from './define-event.ts';
export { defineBucket, type BucketDefinition, type ValueOf } from './define-bucket.ts';
export {
  Envelope, newEventId, reactionId, rackToken, sourceOf, makeEvent, readEvent, schemaUri, subjectOf, type Event, type Origin, type Context, type
  Draft,
} from './envelope.ts';
export { Disk, Nic, Inventory } from './inventory.ts';
export {
  statusCodes, statuses, StatusName, OperationKind, PowerState, PowerType, PowerAction, BootDevice, Operation, Failure, Deployment, Hardware, Node,
  type Status,
} from './node.ts';
export { nearest } from './nearest.ts';
export { Sealed } from './sealed.ts';
export { Cidr, AddressRange, NetworkMode, DhcpOption, LoaderChoice, Reservation, StaticRoute, BootMenu, ConsoleChoice, ConsoleMenu, Network } from './network.ts';
export { validateNetworks } from './network-rules/validate.ts';
export type { NetworkProblem } from './network-rules/report.ts';
export { fabricOf, vidOf } from './network-rules/wires.ts';
export { readDhcpOption, type OptionBytes } from './network-rules/options.ts';
export { ImageFormat, ImageCompression, Image } from './image.ts';
export { stepKinds, StepKind, PlannedStep, MachineFacts, InstallStep, PolicyOperation, BootPolicy } from './boot-policy.ts';
export { profileKinds, ProfileKind, BootFile, Snippets, TemplateValues, Profile, LayerId, Layer } from './profile.ts';
export {
  networksBucket, bootPoliciesBucket, imagesBucket, profilesBucket, layersBucket, Rack, racksBucket, SealedBmc, bmcBucket, BmcParameters, SealedDeployData, deployDataBucket,
  DeployData, Binding, bindingsBucket, ServedNetwork, DhcpServer, dhcpServersBucket, buckets,
} from './buckets.ts';
export { CheckIn, Next, Plan, ClaimRequest, Claim, StepReport, Heartbeat } from './agent.ts';
export { leaseOffered, leaseGranted, leaseRenewed, leaseReleased, leaseExpired, leaseDeclined } from './events/lease.ts';
export {
  dhcpDiscover, dhcpRequest, dhcpInform, dhcpNak, dhcpIgnored, dhcpBootAnswered, ForeignServer, dhcpRogueServerSeen, dhcpAuthorityRefused, dhcpProbed, dhcpAddressConflict,
  dhcpStoreLost, dhcpStoreRegained, dhcpFloodLimited,
} from './events/dhcp.ts';
export { tftpRrq, tftpCompleted, tftpFailed, tftpRefused } from './events/tftp.ts';
export { bootScriptServed, bootFileServed, bootRefused } from './events/boot.ts';
export { nodeCheckedIn, nodeInventoryReported, nodeStepClaimed, nodeStepReported, nodeHeartbeat, nodeLogReported, nodePhonedHome, nodeStatusReported } from './events/machine.ts';
export { powerRequested, powerChanged, powerFailed, powerObserved } from './events/power.ts';
export { nodeDiscovered, nodeTransitioned, nodeUpdated, nodeRequestRefused, nodeRemoved, nodeSnapshotted, nodeDeadlinePassed } from './events/node.ts';
export {
  nodeCreateRequested, nodeUpdateRequested, nodeAcceptRequested, nodeCommissionRequested, nodeTestRequested, nodeAllocateRequested,
  nodeDeployRequested, nodeReleaseRequested, nodeAbortRequested, nodePowerRequested, nodeRescueRequested, nodeExitRescueRequested,
  nodeMarkBrokenRequested, nodeMarkFixedRequested, nodeRemoveRequested, nodeReserveRequested, nodeRetireRequested, nodeRequests,
} from './events/request.ts';
export { networkChanged, networkProbeRequested, imageAdded, imageRemoved, profileChanged, layerChanged, rackJoined, auditRecorded } from './events/region.ts';
export { catalog } from './catalog.ts';
export { defineManifest, type Manifest } from './manifest.ts';
export { schemaFiles } from './generate/schemas.ts';
export { asyncapiDocument } from './generate/asyncapi.ts';
export { eventFlowDocument } from './generate/event-flow.ts';
export { errorsDocument } from './generate/errors.ts';
export { natsPermissions, natsUser, type NatsPermissions } from './generate/nats-permissions.ts';

/** The machine as everyone outside lifecycle sees it: carried whole, with its version, by every fact lifecycle publishes. */
import { Type, type Static } from 'typebox';
import { Image } from './image.ts';
import { Disk, Nic } from './inventory.ts';
import { Hostname, IpAddressText, MacAddress, NodeIdText, RackIdText, Sha256, Timestamp, Token } from './primitives.ts';

/** MAAS's 23 statuses under the names its clients compare (features.md §3), with its numeric codes. */
export const statusCodes = {
  New: 0, Commissioning: 1, 'Failed commissioning': 2, Missing: 3, Ready: 4, Reserved: 5, Deployed: 6, Retired: 7, Broken: 8,
  Deploying: 9, Allocated: 10, 'Failed deployment': 11, Releasing: 12, 'Releasing failed': 13, 'Disk erasing': 14,
  'Failed disk erasing': 15, 'Rescue mode': 16, 'Entering rescue mode': 17, 'Failed to enter rescue mode': 18,
  'Exiting rescue mode': 19, 'Failed to exit rescue mode': 20, Testing: 21, 'Failed testing': 22,
} as const;
export type Status = keyof typeof statusCodes;
export const statuses = Object.keys(statusCodes) as readonly Status[];
export const StatusName = Type.Unsafe<Status>(Type.Union(statuses.map((status) => Type.Literal(status))));

export const OperationKind = Type.Union([
  Type.Literal('enlisting'), Type.Literal('commissioning'), Type.Literal('testing'), Type.Literal('deploying'),
  Type.Literal('releasing'), Type.Literal('rescue'),
]);
export type OperationKind = Static<typeof OperationKind>;

export const PowerState = Type.Union([Type.Literal('on'), Type.Literal('off'), Type.Literal('unknown'), Type.Literal('error')]);
export type PowerState = Static<typeof PowerState>;
export const PowerType = Type.Union([Type.Literal('manual'), Type.Literal('ipmi')]);
export type PowerType = Static<typeof PowerType>;
export const PowerAction = Type.Union([
  Type.Literal('on'), Type.Literal('off'), Type.Literal('soft'), Type.Literal('cycle'), Type.Literal('status'),
]);
export type PowerAction = Static<typeof PowerAction>;
export const BootDevice = Type.Union([Type.Literal('network'), Type.Literal('disk'), Type.Literal('unchanged')]);
export type BootDevice = Static<typeof BootDevice>;

/** An operation in progress: what it waits for and until when. `attempt` never repeats on one node. */
export const Operation = Type.Object({
  id: Type.String(), kind: OperationKind, attempt: Type.Integer({ minimum: 1 }), startedAt: Timestamp,
  awaits: Type.Union([Type.String(), Type.Null()]), deadlineAt: Type.Union([Timestamp, Type.Null()]),
  step: Type.Union([Type.String(), Type.Null()]), stepsDone: Type.Array(Type.String()), remediesUsed: Type.Array(Type.String()),
});
export type Operation = Static<typeof Operation>;

export const Failure = Type.Object({
  reason: Token, message: Type.String({ maxLength: 2000 }), at: Timestamp, during: Type.String(),
  lastEvidence: Type.Union([Type.String({ maxLength: 2000 }), Type.Null()]),
});
export type Failure = Static<typeof Failure>;

/** How a machine is to be reached after a deployment: `static` writes the reserved address, `dhcp` asks again at every boot. */
export const Deployment = Type.Object({
  /** Null where an installer profile was deployed. */
  image: Type.Union([Token, Type.Null()]), imageSha256: Type.Union([Sha256, Type.Null()]), profile: Type.Optional(Token), hostname: Hostname, disk: Type.Union([Disk, Type.Null()]), addressing: Type.Union([Type.Literal('static'), Type.Literal('dhcp')]),
  bootOrder: Type.Union([Type.Literal('network-first'), Type.Literal('disk-first')]),
  /** Where cloud-init finds its seed: on the disk, or at the rack's MAAS-compatible metadata. Absent: on the disk. */
  datasource: Type.Optional(Type.Union([Type.Literal('nocloud'), Type.Literal('maas')])),
  sshKeys: Type.Array(Type.String({ maxLength: 16_384 }), { maxItems: 100 }),
  /** The account that the keys are for; absent in older records: the image’s own choice. */
  user: Type.Optional(Image.properties.defaultUser),
  userDataSha256: Type.Union([Sha256, Type.Null()]), deployData: Type.Union([Type.String(), Type.Null()]),
  instanceId: Type.String(), deployedAt: Type.Union([Timestamp, Type.Null()]),
  hostKeys: Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 10 }),
});
export type Deployment = Static<typeof Deployment>;

export const Hardware = Type.Object({
  cpuModel: Type.Union([Type.String(), Type.Null()]), cpuThreads: Type.Integer(), memoryBytes: Type.Integer(),
  disks: Type.Array(Disk), nics: Type.Array(Nic),
  manufacturer: Type.Union([Type.String(), Type.Null()]), product: Type.Union([Type.String(), Type.Null()]),
  bmcAddress: Type.Union([Type.String(), Type.Null()]),
});
export type Hardware = Static<typeof Hardware>;

export const Node = Type.Object({
  id: NodeIdText, version: Type.Integer({ minimum: 1 }), status: StatusName, statusMessage: Type.String(),
  hostname: Hostname, macs: Type.Array(MacAddress), bootMac: Type.Union([MacAddress, Type.Null()]),
  uuid: Type.Union([Type.String(), Type.Null()]), serial: Type.Union([Type.String(), Type.Null()]),
  architecture: Type.Union([Type.Literal('amd64'), Type.Literal('arm64'), Type.Null()]),
  firmware: Type.Union([Type.Literal('bios'), Type.Literal('uefi'), Type.Null()]), secureBoot: Type.Boolean(),
  bootRack: Type.Union([RackIdText, Type.Null()]), bmcRack: Type.Union([RackIdText, Type.Null()]),
  power: Type.Object({
    type: PowerType, address: Type.Union([Type.String(), Type.Null()]), parametersSet: Type.Boolean(), state: PowerState,
    observedAt: Type.Union([Timestamp, Type.Null()]), bootDeviceVerified: Type.Union([Type.Boolean(), Type.Null()]),
  }),
  hardware: Type.Union([Hardware, Type.Null()]), tags: Type.Array(Token), owner: Type.Union([Type.String(), Type.Null()]),
  held: Type.Boolean(), quarantined: Type.Boolean(), locked: Type.Boolean(), detached: Type.Boolean(),
  addresses: Type.Array(IpAddressText), reservedAddress: Type.Union([IpAddressText, Type.Null()]),
  operation: Type.Union([Operation, Type.Null()]), deployment: Type.Union([Deployment, Type.Null()]), failure: Type.Union([Failure, Type.Null()]),
  createdAt: Timestamp, updatedAt: Timestamp,
});
export type Node = Static<typeof Node>;

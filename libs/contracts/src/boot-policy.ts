/**
 * What one MAC of a known machine is answered, until a newer one comes. Published by lifecycle through KV; rack services
 * answer from memory. It names the operation and its steps; secrets are not in it.
 */
import { Type, type Static } from 'typebox';
import { Deployment, Node, OperationKind, StatusName } from './node.ts';
import { Hostname, IpAddressText, MacAddress, NodeIdText, Token } from './primitives.ts';

export const stepKinds = ['inventory', 'erase', 'write-image', 'grow', 'seed', 'test', 'install'] as const;
export type StepKind = (typeof stepKinds)[number];
export const StepKind = Type.Unsafe<StepKind>(Type.Union(stepKinds.map((kind) => Type.Literal(kind))));

/** What lifecycle knows of a step. bootfiles adds addresses, hashes and secrets when the agent claims it (agent-protocol.md). */
export const PlannedStep = Type.Object({
  id: Token, kind: StepKind, parameters: Type.Record(Type.String(), Type.Unknown()),
});
export type PlannedStep = Static<typeof PlannedStep>;

/** What templates see of a machine. */
export const MachineFacts = Type.Pick(Node, ['id', 'hostname', 'macs', 'bootMac', 'uuid', 'serial', 'architecture', 'firmware', 'tags', 'owner', 'hardware']);
export type MachineFacts = Static<typeof MachineFacts>;

/** The parameters of a step `install`, which no agent runs: a distribution’s own installer does. */
export const InstallStep = Type.Object({ profile: Token, deployment: Deployment, machine: MachineFacts });
export type InstallStep = Static<typeof InstallStep>;

export const PolicyOperation = Type.Object({
  id: Type.String(), kind: OperationKind, attempt: Type.Integer({ minimum: 1 }), steps: Type.Array(PlannedStep, { maxItems: 64 }),
  /** What the machine does after its last step. */
  end: Type.Union([Type.Literal('reboot'), Type.Literal('poweroff'), Type.Literal('wait')]),
  /** How often one step may be started before the attempt has failed. */
  maxClaims: Type.Integer({ minimum: 1 }),
  /** Key of the sealed deployment data (bucket deploy-data), if there is any. */
  deployData: Type.Union([Type.String(), Type.Null()]),
});
export type PolicyOperation = Static<typeof PolicyOperation>;

export const BootPolicy = Type.Object({
  node: NodeIdText, mac: MacAddress, version: Type.Integer({ minimum: 1 }), status: StatusName, hostname: Hostname,
  /** `agent`: run `operation`; `enlist`: inventory once more; `install`: the installer of `operation`; `local`: the machine's own disk; `hold`: nothing may run, power off. */
  answer: Type.Union([Type.Literal('agent'), Type.Literal('enlist'), Type.Literal('local'), Type.Literal('hold'), Type.Literal('install')]),
  why: Type.String(),
  operation: Type.Union([PolicyOperation, Type.Null()]),
  /** The newest attempt of this node: a ledger that knows a newer one has met an old policy. */
  attempt: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The address that is this machine's for as long as the policy says so. */
  reservedAddress: Type.Union([IpAddressText, Type.Null()]),
  /** 0: the usual loader; 1: the alternative one (`other-boot-path`). */
  bootPath: Type.Integer({ minimum: 0, maximum: 1 }),
  kernelArguments: Type.String({ maxLength: 2000 }),
  /** Secure Boot was on when the machine last said so: firmware starts signed loaders only. */
  secureBoot: Type.Optional(Type.Boolean()),
  /** Which layers apply besides `global` and the machine’s own. */
  tags: Type.Optional(Type.Array(Token)),
});
export type BootPolicy = Static<typeof BootPolicy>;

/** The bodies of the agent protocol (docs/architecture/agent-protocol.md). */
import { Type, type Static } from 'typebox';
import { StepKind } from './boot-policy.ts';
import { OperationKind } from './node.ts';
import { Ipv4Address, MacAddress, NodeIdText, Token } from './primitives.ts';

const MaybeText = Type.Union([Type.String({ maxLength: 256 }), Type.Null()]);

export const CheckIn = Type.Object({
  mac: MacAddress, ip: Ipv4Address, firmware: Type.Union([Type.Literal('bios'), Type.Literal('uefi')]), secureBoot: Type.Boolean(),
  architecture: Type.Union([Type.Literal('amd64'), Type.Literal('arm64')]), uuid: MaybeText, serial: MaybeText,
  agentVersion: Type.String({ maxLength: 128 }), uptimeSeconds: Type.Number({ minimum: 0 }),
});
export type CheckIn = Static<typeof CheckIn>;

export const Next = Type.Union([Type.Literal('continue'), Type.Literal('reboot'), Type.Literal('poweroff'), Type.Literal('wait')]);
export type Next = Static<typeof Next>;

export const Plan = Type.Object({
  node: NodeIdText, operation: Type.Union([OperationKind, Type.Literal('none')]), attempt: Type.Integer({ minimum: 0 }),
  steps: Type.Array(Type.Object({ id: Token, kind: StepKind })),
  end: Type.Union([Type.Literal('reboot'), Type.Literal('poweroff'), Type.Literal('wait')]), pollSeconds: Type.Integer({ minimum: 1 }),
});
export type Plan = Static<typeof Plan>;

export const ClaimRequest = Type.Object({ attempt: Type.Integer({ minimum: 0 }) });
export const Claim = Type.Object({
  step: Token, attempt: Type.Integer({ minimum: 0 }), claim: Type.Integer({ minimum: 1 }), kind: StepKind,
  parameters: Type.Record(Type.String(), Type.Unknown()),
});
export type Claim = Static<typeof Claim>;

export const StepReport = Type.Object({
  attempt: Type.Integer({ minimum: 0 }), claim: Type.Integer({ minimum: 1 }),
  outcome: Type.Union([Type.Literal('succeeded'), Type.Literal('failed')]),
  reason: Type.Union([Token, Type.Null()]), message: Type.Union([Type.String({ maxLength: 1000 }), Type.Null()]),
  evidence: Type.Record(Type.String(), Type.Unknown()), seconds: Type.Number({ minimum: 0 }),
});
export type StepReport = Static<typeof StepReport>;

export const Heartbeat = Type.Object({
  attempt: Type.Integer({ minimum: 0 }), step: Token, bytesDone: Type.Integer({ minimum: 0 }), bytesTotal: Type.Integer({ minimum: 0 }),
});
export type Heartbeat = Static<typeof Heartbeat>;

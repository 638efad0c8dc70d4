/**
 * What lifecycle keeps of one machine: the public `Node`, and what only lifecycle needs to decide (`own`).
 * Everything here is JSON; the shell stores it as one value.
 */
import type { Event, Inventory, Mac, NodeId, OperationKind, PowerAction, BootDevice, Status,
  StepKind, nodeCheckedIn, nodeInventoryReported, nodePhonedHome, nodeStepClaimed, nodeStepReported, nodeRequests, powerChanged, powerFailed, powerObserved, Node, PolicyOperation } from '@ironbus/contracts';
import type { DeadlineName, Remedy } from './table.ts';

/** What a node waits for now. `at` and `since` are RFC 3339; `ladder` holds the remedies that this wait may use. */
export type Wait = { awaits: string; deadline: DeadlineName; ladder: readonly Remedy[]; since: string; at: string };

export type Own = {
  /** Ids of the last requests and the last facts that were handled, newest last. */
  requests: string[];
  facts: string[];
  /** Time of the newest request whose id is no longer kept: one that is not newer was handled too. */
  forgottenUntil: string | null;
  /** The sequence of this node's newest power request, and the newest request that belongs to what is in progress. */
  powerSequence: number;
  operationPower: PowerEffect | null;
  /** Sequence of the newest request to boot from the network that the machine proved by doing it. */
  bootProven?: number;
  /** The last attempt number given out; attempts never repeat on one node. */
  attempts: number;
  bootPath: 0 | 1;
  /** What the agent is to run, while an operation is in progress. */
  plan: PolicyOperation | null;
  stepsFinished: boolean;
  /** Highest claim seen of each step of this attempt. */
  claims: Record<string, number>;
  inventory: Inventory | null;
  /** Where testing, rescue and commissioning go back to. */
  returnTo: Partial<Record<OperationKind, Status>>;
  wait: Wait | null;
  evidence: { text: string; at: string } | null;
  /** Times of the newest evidence of each kind: older evidence of that kind is dropped. */
  newest: { checkIn: string | null; inventory: string | null };
};

export type NodeRecord = { node: Node; own: Own };

export type MachineEvent =
  | Event<typeof nodeCheckedIn> | Event<typeof nodeInventoryReported> | Event<typeof nodeStepClaimed>
  | Event<typeof nodeStepReported> | Event<typeof nodePhonedHome>;
export type PowerEvent = Event<typeof powerChanged> | Event<typeof powerFailed> | Event<typeof powerObserved>;
type Distribute<D> = D extends (typeof nodeRequests)[number] ? Event<D> : never;
export type RequestEvent = Distribute<(typeof nodeRequests)[number]>;
export type LifecycleEvent = MachineEvent | PowerEvent | RequestEvent;

/** Durations are seconds. */
export type Settings = {
  powerSeconds: number;
  checkInSeconds: number;
  stepSeconds: Readonly<Record<StepKind, number>>;
  phoneHomeSeconds: number;
  /** How long a node made by hand may stay unseen before it is Missing; 0: for ever. */
  missingSeconds: number;
  /** Requests, and machines that nobody knows, count no more when the event is older than this: a log that is read again must not act. */
  staleSeconds: number;
  testSeconds: number;
  ladder: readonly Remedy[];
  autoAccept: boolean;
  releaseErase: 'none' | 'quick' | 'secure';
  maxClaims: number;
  kernelArguments: string;
};

export type What = { kind: 'event'; event: LifecycleEvent } | { kind: 'deadline'; name: string; atMs: number };

export type Input = {
  what: What;
  now: Date;
  settings: Settings;
  /** Which of the MACs and names that this input touches belong to other nodes. */
  taken: { macs: ReadonlySet<string>; names: ReadonlySet<string> };
  /** When a node with one of these MACs was last forgotten (RFC 3339); what happened before that makes no new node. */
  goneAt: string | null;
  /** Counts tries to find a free node id and name; 0 at first. */
  salt: number;
};

export type Fact =
  | { type: 'node.discovered'; data: { node: Node } }
  | { type: 'node.transitioned'; data: { from: Status; to: Status; on: string; why: string; node: Node } }
  | { type: 'node.updated'; data: { changed: string[]; node: Node } }
  | { type: 'node.removed'; data: { id: NodeId; version: number; macs: string[] } }
  | { type: 'node.request-refused'; data: { request: string; code: RefusalCode; message: string } }
  | { type: 'node.deadline-passed'; data: { deadline: string; awaited: string; remedy: string | null } };

export type RefusalCode = 'NODE_STATE' | 'NODE_UNKNOWN' | 'NODE_CONFLICT' | 'REQUEST_INVALID' | 'POWER_NOT_CONFIGURED';

/** A power request; the shell names the boot policy that must be there before it is carried out. */
export type PowerEffect = { action: PowerAction; bootDevice: BootDevice; sequence: number; attempt: number | null; rack: string };

export type Decision =
  | { outcome: 'ignored'; reason: IgnoredReason }
  /** `record` undefined: there is no such node and nothing to keep, only `facts` to publish; null: the node is gone. */
  | { outcome: 'decided'; record: NodeRecord | null | undefined; facts: Fact[]; power: PowerEffect[]; correlationId: string | undefined; policyMacs: { put: Mac[]; remove: Mac[] } };

export type IgnoredReason = 'duplicate' | 'unknown-node' | 'old-attempt' | 'not-newer' | 'not-awaited' | 'stale-deadline' | 'too-old';

export const emptyOwn = (): Own => ({
  requests: [], facts: [], forgottenUntil: null, powerSequence: 0, operationPower: null, attempts: 0, bootPath: 0, plan: null, stepsFinished: false, claims: {},
  inventory: null, returnTo: {}, wait: null, evidence: null, newest: { checkIn: null, inventory: null },
});

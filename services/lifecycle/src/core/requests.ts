/** What people ask: requests that start, stop or change an operation. Settings are in requests-settings.ts. */
import type { Deployment, Inventory } from '@ironbus/contracts';
import { chooseDisk, erasable } from './disk.ts';
import { stateRefusal, wordOf } from './messages.ts';
import {
  commissioningWork, deployingWork, erasingWork, installingWork, releasingWork, rescueWork, startOperation, testingWork, unknownTests, knownTests, type Work,
} from './plan.ts';
import type { Input, RequestEvent } from './record.ts';
import { next, type Guard, type Trigger } from './table.ts';
import { onPowerRequest, onRemoveRequest, onUpdateRequest } from './requests-settings.ts';
import { advance, refuse, update, type Turn } from './turn.ts';

type Of<T extends RequestEvent['type']> = Extract<RequestEvent, { type: T }>;

/** One request for a node that exists. It is carried out or answered by exactly one refusal; then nothing changed. */
export function onRequest(turn: Turn, event: RequestEvent, input: Input): void {
  const { node } = turn.record;
  if (node.locked && event.type !== 'node.update-requested') {
    return refuse(turn, event.type, 'NODE_STATE', `${node.hostname} (${node.id}) is locked; ${wordOf(event.type)} is not possible until it is unlocked`);
  }
  switch (event.type) {
    case 'node.create-requested': return refuse(turn, event.type, 'NODE_CONFLICT', `a MAC of this machine already belongs to ${node.hostname} (${node.id})`);
    case 'node.update-requested': return onUpdateRequest(turn, event, input);
    case 'node.power-requested': return onPowerRequest(turn, event);
    case 'node.remove-requested': return onRemoveRequest(turn, event);
    case 'node.accept-requested': return start(turn, event, commissioningWork([], turn.settings));
    case 'node.commission-requested': return onCommission(turn, event);
    case 'node.test-requested': return onTest(turn, event);
    case 'node.deploy-requested': return onDeploy(turn, event, input);
    case 'node.release-requested': return onRelease(turn, event);
    case 'node.rescue-requested': case 'node.exit-rescue-requested': return start(turn, event, rescueWork);
    case 'node.abort-requested': return onAbort(turn, event);
    case 'node.allocate-requested': return onAllocate(turn, event);
    default: return plain(turn, event);
  }
}

/** False, and refused, where the status does not allow it. Nothing may be changed before this. */
function isLegal(turn: Turn, on: Trigger, guards: readonly Guard[]): boolean {
  if (!('illegal' in next(turn.record.node.status, on, guards))) return true;
  refuse(turn, on, 'NODE_STATE', stateRefusal(turn.record, on));
  return false;
}

const hasSystem = (turn: Turn): boolean => turn.record.node.deployment?.deployedAt != null;
const guardsOf = (turn: Turn): Guard[] => [hasSystem(turn) ? 'was-deployed' : 'not-deployed'];
const asked = (event: RequestEvent): string => `${wordOf(event.type)} asked for by ${event.data.requestedBy}`;

function plain(turn: Turn, event: RequestEvent): void {
  const guards = guardsOf(turn);
  if (isLegal(turn, event.type as Trigger, guards)) advance(turn, event.type as Trigger, { guards, ...reason(event) });
}

const reason = (event: RequestEvent): { why?: string } => event.data.comment === undefined ? {} : { why: event.data.comment };

function start(turn: Turn, event: RequestEvent, work: Work, guards: readonly Guard[] = []): void {
  if (!isLegal(turn, event.type as Trigger, guards)) return;
  startOperation(turn, event.id, work, { text: asked(event), at: event.time });
  advance(turn, event.type as Trigger, { guards, ...reason(event) });
}

/** The tests are known, or the request is refused. */
function areKnown(turn: Turn, event: RequestEvent, tests: readonly string[]): boolean {
  const unknown = unknownTests(tests);
  if (unknown.length === 0) return true;
  refuse(turn, event.type, 'REQUEST_INVALID', `there is no test ${unknown.join(', ')}; known are ${knownTests.join(', ')}`);
  return false;
}

function onCommission(turn: Turn, event: Of<'node.commission-requested'>): void {
  const tests = event.data.tests ?? [];
  if (areKnown(turn, event, tests)) start(turn, event, commissioningWork(tests, turn.settings));
}

function onTest(turn: Turn, event: Of<'node.test-requested'>): void {
  if (areKnown(turn, event, event.data.tests)) start(turn, event, testingWork(event.data.tests, turn.settings, hasSystem(turn)));
}

function onAllocate(turn: Turn, event: Of<'node.allocate-requested'>): void {
  if (!isLegal(turn, event.type, [])) return;
  advance(turn, event.type, reason(event));
  update(turn, { owner: event.data.owner });
}

/** An aborted rescue has to bring the machine back, which is work of its own; everything else just stops. */
function onAbort(turn: Turn, event: Of<'node.abort-requested'>): void {
  const { node, own } = turn.record;
  if (node.status === 'Entering rescue mode') return start(turn, event, rescueWork);
  if (!isLegal(turn, event.type, [])) return;
  if (node.status === 'Disk erasing') {
    node.failure = {
      reason: 'aborted', message: `Stopped by ${event.data.requestedBy}; the disks may be half erased`, at: turn.now.toISOString(), during: node.status,
      lastEvidence: own.evidence?.text ?? null,
    };
  }
  advance(turn, event.type, reason(event));
}

function onRelease(turn: Turn, event: Of<'node.release-requested'>): void {
  const mode = event.data.erase ?? turn.settings.releaseErase;
  if (mode === 'none') return start(turn, event, releasingWork, ['keep-data']);
  if (!isLegal(turn, event.type, ['erase'])) return;
  const disks = erasable(turn.record.own.inventory?.disks ?? []);
  if (disks.length === 0) {
    return refuse(turn, event.type, 'REQUEST_INVALID', 'the inventory of this machine names no disk to erase; release it with erase none, or commission it first');
  }
  start(turn, event, erasingWork(mode, disks), ['erase']);
}

function onDeploy(turn: Turn, event: Of<'node.deploy-requested'>, input: Input): void {
  if (!isLegal(turn, event.type, [])) return;
  const { node, own } = turn.record;
  const { hostname, owner } = event.data;
  if (own.inventory === null) return refuse(turn, event.type, 'REQUEST_INVALID', `${node.hostname} (${node.id}) has no inventory; commission it first`);
  const target = targetOf(event.data, own.inventory);
  if (!target.ok) return refuse(turn, event.type, 'REQUEST_INVALID', target.why);
  if (hostname !== undefined && input.taken.names.has(hostname)) {
    return refuse(turn, event.type, 'NODE_CONFLICT', `another machine is called ${hostname}`);
  }
  update(turn, { hostname: hostname ?? node.hostname, owner: owner ?? node.owner ?? event.data.requestedBy });
  const deployment = deploymentOf(turn, event, target);
  start(turn, event, workOf(turn, target, deployment));
  node.deployment = deployment;
}

type DeployData = Of<'node.deploy-requested'>['data'];
type Target = { image: NonNullable<DeployData['image']>; disk: NonNullable<Deployment['disk']> } | { profile: NonNullable<DeployData['profile']> };

/** What is put on the machine, and where; an installer finds its disk itself. */
function targetOf({ image, profile, disk }: DeployData, inventory: Inventory): { ok: true } & Target | { ok: false; why: string } {
  const { architecture } = inventory;
  const wrong = (what: string, takes: string): { ok: false; why: string } => ({ ok: false, why: `${what} is for ${takes} and this machine is ${architecture}` });
  if (profile !== undefined) {
    if (!profile.architectures.includes(architecture)) return wrong(`profile ${profile.id}`, profile.architectures.join(', '));
    return disk === undefined ? { ok: true, profile } : { ok: false, why: 'an installer chooses its disk itself: say which in the profile’s template, for example as a value' };
  }
  if (image === undefined) return { ok: false, why: 'a deployment needs an image or a profile' };
  if (image.format === 'iso') return { ok: false, why: `image ${image.id} is an installer’s disc (iso), which is not written to disks: choose one of format raw or rootfs` };
  if (image.architecture !== architecture) return wrong(`image ${image.id}`, image.architecture);
  const choice = chooseDisk(inventory.disks, image, disk);
  return choice.ok ? { ok: true, image, disk: choice.disk } : choice;
}

function workOf(turn: Turn, target: Target, deployment: Deployment): Work {
  if ('image' in target) return deployingWork(target.image, target.disk, deployment);
  const { id, hostname, macs, bootMac, uuid, serial, architecture, firmware, tags, owner, hardware } = turn.record.node;
  return installingWork({ profile: target.profile.id, deployment, machine: { id, hostname, macs, bootMac, uuid, serial, architecture, firmware, tags, owner, hardware } });
}

function deploymentOf(turn: Turn, event: Of<'node.deploy-requested'>, target: Target): Deployment {
  const { node, own } = turn.record;
  const { sshKeys, userDataSha256, deployData, addressing, bootOrder, datasource } = event.data;
  const what = 'image' in target
    ? { image: target.image.id, imageSha256: target.image.sha256, disk: target.disk, user: target.image.defaultUser }
    : { image: null, imageSha256: null, disk: null, profile: target.profile.id };
  return {
    ...what, hostname: node.hostname, addressing: addressing ?? 'static', bootOrder: bootOrder ?? 'network-first',
    ...(datasource !== undefined && { datasource }), sshKeys, userDataSha256, deployData, instanceId: `${node.id}-${own.attempts + 1}`, deployedAt: null, hostKeys: [],
  };
}

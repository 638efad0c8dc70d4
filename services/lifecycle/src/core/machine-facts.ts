/** What the machine told its rack. Facts of an old attempt, and facts not newer than what is known, change nothing. */
import type { Hardware, Inventory, IpAddress, Mac, RackId, PlannedStep } from '@ironbus/contracts';
import { newRecord } from './discover.ts';
import { lastEvidence } from './messages.ts';
import { commissioningWork, startOperation } from './plan.ts';
import type { Decision, IgnoredReason, Input, MachineEvent } from './record.ts';
import { advance, finish, noteEvidence, openFirstTurn, update, type Turn } from './turn.ts';

type Of<T extends MachineEvent['type']> = Extract<MachineEvent, { type: T }>;

/** Why the fact changed nothing; undefined where it did. */
type Outcome = IgnoredReason | undefined;

export function onMachineFact(turn: Turn, event: MachineEvent, input: Input): Outcome {
  if (isCurrent(turn, event.data.attempt)) proveNetworkBoot(turn);
  switch (event.type) {
    case 'node.checked-in': return onCheckedIn(turn, event, input);
    case 'node.inventory-reported': return onInventory(turn, event, input);
    case 'node.step-claimed': return onStepClaimed(turn, event);
    case 'node.step-reported': return onStepReported(turn, event);
    case 'node.phoned-home': return onPhonedHome(turn, event);
  }
}

/** A node for a MAC that nobody knew. */
export function discover(event: Of<'node.checked-in'> | Of<'node.inventory-reported'>, input: Input): Decision {
  const turn = openFirstTurn(newRecord({ seed: event.id, input, macs: [event.data.mac] }), input);
  onMachineFact(turn, event, input);
  return finish(turn, event);
}

/** True where the fact is of the attempt that is in progress now. */
function isCurrent(turn: Turn, attempt: number): boolean {
  const { node, own } = turn.record;
  return node.operation !== null && own.plan !== null && node.operation.attempt === attempt;
}

/**
 * The agent only ever comes over the network, so a check-in proves the boot device that this operation asked for; any other
 * fact of the attempt proves it as well, because it may overtake the check-in.
 */
function proveNetworkBoot(turn: Turn): void {
  const { node, own } = turn.record;
  if (own.operationPower?.bootDevice !== 'network') return;
  own.bootProven = own.operationPower.sequence;
  update(turn, { power: { ...node.power, bootDeviceVerified: true } });
}

function onCheckedIn(turn: Turn, event: Of<'node.checked-in'>, input: Input): Outcome {
  const { node, own } = turn.record;
  const { data } = event;
  const newest = own.newest.checkIn === null || own.newest.checkIn < event.time;
  addMacs(turn, [data.mac], input);
  if (newest) learnFromCheckIn(turn, event);
  if (own.wait?.deadline === 'first-boot') own.wait = null;
  if (node.status === 'Missing') advance(turn, 'node.checked-in');
  if (!isCurrent(turn, data.attempt)) return newest || turn.changed.size > 0 ? undefined : 'not-newer';
  noteEvidence(turn, `checked in from ${data.ip}`, event.time);
  const address = data.ip as string as IpAddress;
  if (node.status === 'Deploying' && (newest || node.reservedAddress === null)) update(turn, { reservedAddress: address, addresses: [address] });
  if (own.wait?.awaits === 'node.checked-in' || own.wait?.awaits === 'power.changed') {
    advance(turn, 'node.checked-in', { seconds: secondsOf(turn, nextStep(turn)) });
  }
  return undefined;
}

function learnFromCheckIn(turn: Turn, event: Of<'node.checked-in'>): void {
  const { node, own } = turn.record;
  const { data } = event;
  own.newest.checkIn = event.time;
  const rack = data.rack as RackId;
  update(turn, {
    bootMac: data.mac, firmware: data.firmware, secureBoot: data.secureBoot, architecture: data.architecture,
    uuid: data.uuid ?? node.uuid, serial: data.serial ?? node.serial, bootRack: rack, bmcRack: node.bmcRack ?? rack,
  });
}

/** Another card of the same machine joins its MACs; one that is another node's stays there. */
function addMacs(turn: Turn, macs: readonly Mac[], input: Input): void {
  const known = turn.record.node.macs;
  const added = macs.filter((mac) => !known.includes(mac) && !input.taken.macs.has(mac));
  if (added.length > 0) update(turn, { macs: [...known, ...new Set(added)].slice(0, 64) });
}

function onInventory(turn: Turn, event: Of<'node.inventory-reported'>, input: Input): Outcome {
  const { node, own } = turn.record;
  const { inventory, mac, rack } = event.data;
  if (own.newest.inventory !== null && own.newest.inventory >= event.time) return 'not-newer';
  own.newest.inventory = event.time;
  own.inventory = inventory;
  if (own.wait?.deadline === 'first-boot') own.wait = null;
  addMacs(turn, [mac, ...inventory.nics.map((nic) => nic.mac as Mac)], input);
  update(turn, {
    hardware: hardwareOf(inventory), firmware: inventory.firmware, secureBoot: inventory.secureBoot, architecture: inventory.architecture,
    uuid: inventory.dmi.uuid ?? node.uuid, serial: inventory.dmi.serial ?? node.serial, bootMac: node.bootMac ?? mac,
    bootRack: node.bootRack ?? (rack as RackId), bmcRack: node.bmcRack ?? (rack as RackId),
  });
  if (isCurrent(turn, event.data.attempt)) noteEvidence(turn, 'inventory reported', event.time);
  if (node.status === 'New' && turn.settings.autoAccept) {
    startOperation(turn, event.id, commissioningWork([], turn.settings), { text: 'accepted by LIFECYCLE_AUTO_ACCEPT', at: event.time });
    advance(turn, 'node.accept-requested', { why: 'LIFECYCLE_AUTO_ACCEPT takes every new machine in' });
  }
  return undefined;
}

const hardwareOf = (inventory: Inventory): Hardware => ({
  cpuModel: inventory.cpu.model, cpuThreads: inventory.cpu.threads, memoryBytes: inventory.memory.totalBytes, disks: inventory.disks,
  nics: inventory.nics, manufacturer: inventory.dmi.manufacturer, product: inventory.dmi.product, bmcAddress: inventory.bmc?.address ?? null,
});

/** The first step that is not done. */
function nextStep(turn: Turn): PlannedStep | undefined {
  const done = turn.record.node.operation?.stepsDone ?? [];
  return turn.record.own.plan?.steps.find((step) => !done.includes(step.id));
}

const secondsOf = (turn: Turn, step: PlannedStep | undefined): number => turn.settings.stepSeconds[step?.kind ?? 'inventory'];

/** Steps are run in order, so a sign of one proves those before it. */
function stepsBefore(turn: Turn, step: string): string[] {
  const ids = turn.record.own.plan?.steps.map((planned) => planned.id) ?? [];
  return ids.slice(0, Math.max(0, ids.indexOf(step)));
}

function setDone(turn: Turn, ids: readonly string[], step: string | null): void {
  const { operation } = turn.record.node;
  if (operation === null) return;
  const planned = turn.record.own.plan?.steps.map((candidate) => candidate.id) ?? [];
  const done = planned.filter((id) => operation.stepsDone.includes(id) || ids.includes(id));
  update(turn, { operation: { ...operation, stepsDone: done, step } });
}

/** The planned step a fact is about, or why the fact does not count. */
function openStep(turn: Turn, attempt: number, id: string): PlannedStep | IgnoredReason {
  if (!isCurrent(turn, attempt)) return 'old-attempt';
  const step = turn.record.own.plan?.steps.find((candidate) => candidate.id === id);
  if (step === undefined) return 'not-awaited';
  return turn.record.node.operation?.stepsDone.includes(id) === true ? 'not-newer' : step;
}

function onStepClaimed(turn: Turn, event: Of<'node.step-claimed'>): Outcome {
  const { data } = event;
  const step = openStep(turn, data.attempt, data.step);
  if (typeof step === 'string') return step;
  const { claims } = turn.record.own;
  if ((claims[data.step] ?? 0) >= data.claim) return 'not-newer';
  claims[data.step] = data.claim;
  noteEvidence(turn, `step ${data.step} started (claim ${data.claim})`, event.time);
  setDone(turn, stepsBefore(turn, data.step), data.step);
  advance(turn, step.kind === 'install' ? 'install-claimed' : 'node.step-claimed', { seconds: secondsOf(turn, step) });
  return undefined;
}

function onStepReported(turn: Turn, event: Of<'node.step-reported'>): Outcome {
  const { data } = event;
  const step = openStep(turn, data.attempt, data.step);
  if (typeof step === 'string') return step;
  const { claims } = turn.record.own;
  if (data.outcome === 'failed' && (claims[data.step] ?? 0) > data.claim) return 'not-newer';
  claims[data.step] = Math.max(claims[data.step] ?? 0, data.claim);
  noteEvidence(turn, `step ${data.step} ${data.outcome}`, event.time);
  if (data.outcome === 'failed') return failStep(turn, event);
  const all = turn.record.own.plan?.steps.map((planned) => planned.id) ?? [];
  setDone(turn, data.last ? all : [...stepsBefore(turn, data.step), data.step], null);
  const following = nextStep(turn);
  if (following === undefined) {
    turn.record.own.stepsFinished = true;
    advance(turn, 'steps-done');
  } else advance(turn, 'node.step-reported', { seconds: secondsOf(turn, following) });
  return undefined;
}

function failStep(turn: Turn, event: Of<'node.step-reported'>): Outcome {
  const { node } = turn.record;
  const { data } = event;
  node.failure = {
    reason: data.reason ?? 'step-failed', message: data.message ?? `Step ${data.step} failed`, at: event.time, during: node.status,
    lastEvidence: lastEvidence(turn.record),
  };
  advance(turn, 'step-failed');
  return undefined;
}

/** Proof that the system was installed and booted, so it counts whatever else is still missing. */
function onPhonedHome(turn: Turn, event: Of<'node.phoned-home'>): Outcome {
  const { node } = turn.record;
  const { data } = event;
  if (node.status !== 'Deploying' || !isCurrent(turn, data.attempt) || node.deployment === null) return 'old-attempt';
  noteEvidence(turn, `phoned home from ${data.address}`, event.time);
  update(turn, {
    deployment: { ...node.deployment, deployedAt: event.time, hostKeys: data.hostKeys }, addresses: [data.address],
    reservedAddress: node.reservedAddress ?? data.address,
  });
  advance(turn, 'node.phoned-home');
  return undefined;
}

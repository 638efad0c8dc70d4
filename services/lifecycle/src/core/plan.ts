/** What an operation makes the agent do, as data: docs/architecture/services.md, "Steps by operation". */
import type { Deployment, Disk, Image, InstallStep, OperationKind, PlannedStep, PolicyOperation } from '@ironbus/contracts';
import type { Settings } from './record.ts';
import { noteEvidence, type Turn } from './turn.ts';

export type Work = { kind: OperationKind; steps: PlannedStep[]; end: PolicyOperation['end']; deployData?: string | null };

/** The tests that the agent knows (agent-protocol.md). */
export const knownTests: readonly string[] = ['memory', 'disk-read', 'network'];

export const unknownTests = (names: readonly string[]): string[] => names.filter((name) => !knownTests.includes(name));

const testStep = (name: string, seconds: number): PlannedStep => ({ id: `test-${name}`, kind: 'test', parameters: { name, seconds } });
const once = (names: readonly string[]): string[] => [...new Set(names)];

export const commissioningWork = (tests: readonly string[], settings: Settings): Work => ({
  kind: 'commissioning', end: 'poweroff',
  steps: [{ id: 'inventory', kind: 'inventory', parameters: {} }, ...once(tests).map((name) => testStep(name, settings.testSeconds))],
});

/** A machine with an operating system goes back to it after its tests. */
export const testingWork = (tests: readonly string[], settings: Settings, hasSystem: boolean): Work => ({
  kind: 'testing', end: hasSystem ? 'reboot' : 'poweroff', steps: once(tests).map((name) => testStep(name, settings.testSeconds)),
});

export const deployingWork = (image: Image, disk: Disk, deployment: Deployment): Work => ({
  kind: 'deploying', end: 'reboot', deployData: deployment.deployData,
  steps: [
    { id: 'write-image', kind: 'write-image', parameters: { disk, image } },
    ...(image.format === 'raw' ? [{ id: 'grow', kind: 'grow', parameters: { disk } } as const] : []),
    { id: 'seed', kind: 'seed', parameters: { disk, deployment } },
  ],
});

/** One step, which no agent runs: fetching the configuration claims it, calling home ends it. */
export const installingWork = (parameters: InstallStep): Work => ({
  kind: 'deploying', end: 'reboot', deployData: parameters.deployment.deployData, steps: [{ id: 'install', kind: 'install', parameters }],
});

export const erasingWork = (mode: 'quick' | 'secure', disks: readonly Disk[]): Work => ({
  kind: 'releasing', end: 'poweroff', steps: [{ id: 'erase', kind: 'erase', parameters: { mode, disks } }],
});

export const releasingWork: Work = { kind: 'releasing', steps: [], end: 'poweroff' };
export const rescueWork: Work = { kind: 'rescue', steps: [], end: 'wait' };

/** Makes work the node's operation, with an attempt number never used before; evidence of earlier attempts counts no more. */
export function startOperation(turn: Turn, id: string, work: Work, evidence: { text: string; at: string }): void {
  const { node, own } = turn.record;
  own.attempts += 1;
  const at = turn.now.toISOString();
  node.operation = {
    id, kind: work.kind, attempt: own.attempts, startedAt: at, awaits: null, deadlineAt: null, step: null, stepsDone: [], remediesUsed: [],
  };
  own.plan = {
    id, kind: work.kind, attempt: own.attempts, steps: work.steps, end: work.end, maxClaims: turn.settings.maxClaims, deployData: work.deployData ?? null,
  };
  Object.assign(own, { stepsFinished: false, claims: {}, operationPower: null, evidence: null, wait: null });
  turn.changed.add('operation');
  turn.correlationId = id;
  noteEvidence(turn, evidence.text, evidence.at);
}

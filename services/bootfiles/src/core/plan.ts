/** What the agent is to do, and with what: policy and ledger to a `Plan`, a planned step to the parameters of its `Claim`. Pure. */
import {
  Deployment, Disk, Image, InstallStep, lazyCheck, type BootPolicy, type Network, type Plan, type PlannedStep, type StepKind,
} from '@ironbus/contracts';
import { Type, type Static } from 'typebox';
import type { Answer } from './answer.ts';
import type { Assets } from './assets.ts';
import { nextWord, remaining, type Ledger, type Run } from './ledger.ts';
import { datasourceConfig, type Rack } from './metadata.ts';
import { renderSeed, type SeedFrom } from './seed.ts';

export const pollSeconds = 5;
const enlistClaims = 3;

/** The run that an answer asks for; undefined where no operation may run. */
export function runOf(answer: Answer, policy: BootPolicy | undefined, network: Network | undefined): Run | undefined {
  if (answer.answer !== 'agent') return undefined;
  if (answer.operation === 'enlisting' && answer.attempt === 0) {
    return {
      operation: 'enlisting', attempt: 0, operationId: null, steps: [{ id: 'inventory', kind: 'inventory' }],
      end: network?.afterEnlist ?? 'poweroff', maxClaims: enlistClaims,
    };
  }
  const operation = policy?.operation ?? null;
  if (operation === null) return undefined;
  return {
    operation: operation.kind, attempt: operation.attempt, operationId: operation.id, end: operation.end, maxClaims: operation.maxClaims,
    steps: operation.steps.map((step) => ({ id: step.id, kind: kindOf(step) })),
  };
}

/** The run of an installer, and what it is to install; undefined where the policy plans none, or none that makes sense. */
export function installOf(policy: BootPolicy | undefined): { run: Run; step: InstallStep } | undefined {
  const operation = policy?.operation ?? null;
  const planned = operation?.steps[0];
  if (policy?.answer !== 'install' || operation === null || planned === undefined || checkInstall(planned.parameters).length > 0) return undefined;
  const run = {
    operation: operation.kind, attempt: operation.attempt, operationId: operation.id, end: operation.end, maxClaims: operation.maxClaims,
    steps: [{ id: planned.id, kind: kindOf(planned) }],
  };
  return { run, step: planned.parameters as unknown as InstallStep };
}
const checkInstall = lazyCheck(InstallStep);

/** The answer to a check-in. Steps already done in this attempt are left out; without a run there are none. */
export function planFor(answer: Answer, run: Run | undefined, ledger: Ledger): Plan {
  if (run !== undefined) {
    const steps = remaining(ledger).map(({ id, kind }) => ({ id, kind })) as Plan['steps'];
    return { node: answer.node, operation: run.operation, attempt: run.attempt, steps, end: ledger.outcome === null ? run.end : endOf(ledger), pollSeconds };
  }
  return { node: answer.node, operation: 'none', attempt: answer.attempt, steps: [], end: endWithoutRun(answer, ledger), pollSeconds };
}

const endOf = (ledger: Ledger): Plan['end'] => {
  const word = nextWord(ledger);
  return word === 'continue' ? ledger.end : word;
};

/** A finished attempt ends as it ended before, so that an agent that lost the last answer still gets it. */
function endWithoutRun(answer: Answer, ledger: Ledger): Plan['end'] {
  if (answer.rule === 'deployment-done' || answer.rule === 'attempt-done') return endOf(ledger);
  return answer.answer === 'local' || answer.answer === 'install' ? 'reboot' : 'poweroff';
}

const kindOf = (step: { kind: unknown }): StepKind => step.kind as StepKind;

const WriteImage = Type.Object({ disk: Disk, image: Image });
const OnDisk = Type.Object({ disk: Disk });
const Seed = Type.Object({ disk: Disk, deployment: Deployment });
const Erase = Type.Object({ mode: Type.Union([Type.Literal('none'), Type.Literal('quick'), Type.Literal('secure')]), disks: Type.Array(Disk) });
const Test = Type.Object({ name: Type.String({ maxLength: 63 }), seconds: Type.Number({ minimum: 0 }) });
const checks = {
  'write-image': lazyCheck(WriteImage), grow: lazyCheck(OnDisk), seed: lazyCheck(Seed), erase: lazyCheck(Erase), test: lazyCheck(Test),
  inventory: (): { path: string; message: string }[] => [], install: () => [{ path: '/kind', message: 'is an installer’s, no agent’s' }],
};

export type ClaimContext = { baseUrl: string; assets: Assets; seed: Omit<SeedFrom, 'deployment'>; rack?: Rack | undefined };
export type Parameters = { ok: true; parameters: Record<string, unknown> } | { ok: false; why: string };

/** The parameters of one claim: what lifecycle planned, with addresses, hashes and secrets added. A malformed plan is a value. */
export function claimParameters(step: PlannedStep, context: ClaimContext): Parameters {
  const violations = checks[kindOf(step)](step.parameters);
  if (violations.length > 0) return { ok: false, why: violations.map((violation) => `${violation.path} ${violation.message}`).join('; ') };
  return { ok: true, parameters: shape(step, context) };
}

function shape(step: PlannedStep, context: ClaimContext): Record<string, unknown> {
  const planned: unknown = step.parameters;
  switch (kindOf(step)) {
    case 'inventory': return {};
    case 'erase': { const erase = planned as Static<typeof Erase>; return { mode: erase.mode, disks: erase.disks.map(diskOf) }; }
    case 'write-image': return writeImage(planned as Static<typeof WriteImage>, context);
    case 'grow': return { disk: diskOf((planned as Static<typeof OnDisk>).disk) };
    case 'seed': return seed(planned as Static<typeof Seed>, context);
    case 'test': case 'install': return step.parameters;
  }
}

function writeImage({ disk, image }: Static<typeof WriteImage>, context: ClaimContext): Record<string, unknown> {
  const asset = (path: string) => ({ url: `${context.baseUrl}/${path}`, sha256: context.assets.get(path)?.sha256 });
  return {
    disk: diskOf(disk),
    image: {
      id: image.id, format: image.format, compression: image.compression, url: `${context.baseUrl}/images/${image.sha256}`,
      sizeBytes: image.sizeBytes, sha256: image.sha256,
    },
    bootAssets: {
      bios: { boot: asset('boot-assets/bios/boot.img'), core: asset('boot-assets/bios/core.img') },
      uefi: { shim: asset('boot-assets/uefi/shimx64.efi'), grub: asset('boot-assets/uefi/grubx64.efi') },
    },
  };
}

/** The seed goes to the disk whole; or, with `datasource: maas`, only where to fetch it and with which credentials. */
function seed({ disk, deployment }: Static<typeof Seed>, { rack, seed: from }: ClaimContext): Record<string, unknown> {
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  const files = Object.entries(renderSeed({ ...from, deployment })).map(([name, text]) => [name, base64(text)]);
  const where = { disk: diskOf(disk), bootOrder: deployment.bootOrder };
  if (deployment.datasource !== 'maas' || rack === undefined) return { ...where, files: Object.fromEntries(files) };
  return { ...where, files: {}, config: base64(datasourceConfig(rack, { ...from, deployment })) };
}

const diskOf = ({ serial, wwn, path, sizeBytes }: Disk): Record<string, unknown> => ({ serial, wwn, path, sizeBytes });

/** The deployment that a policy's seed step carries; undefined where there is none or it is malformed. */
export function deploymentOf(policy: BootPolicy | undefined): Deployment | undefined {
  const step = policy?.operation?.steps.find((candidate) => kindOf(candidate) === 'seed');
  const deployment = step?.parameters['deployment'];
  return deployment !== undefined && checkDeployment(deployment).length === 0 ? deployment as Deployment : undefined;
}
const checkDeployment = lazyCheck(Deployment);
const checkImage = lazyCheck(Image);

/** Hashes of the images that attempts in progress may still ask for. */
export function neededImages(policies: Iterable<BootPolicy>): Set<string> {
  const steps = [...policies].flatMap((policy) => policy.operation?.steps ?? []);
  const images = steps.filter((step) => kindOf(step) === 'write-image').map((step) => step.parameters['image']).filter((image) => checkImage(image).length === 0);
  return new Set(images.map((image) => (image as Image).sha256));
}

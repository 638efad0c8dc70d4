/** The agent of a simulated machine: docs/architecture/agent-protocol.md, spoken as agent/ speaks it. */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Claim, Plan } from '@ironbus/contracts';
import type { Spec } from '../core/spec.ts';
import { wipe, type Touch } from './disk.ts';
import { http, type HttpAnswer } from './http.ts';
import type { Machine } from './machine.ts';

export type Next = 'continue' | 'reboot' | 'poweroff' | 'wait';
export type Outcome = { outcome: 'succeeded' | 'failed'; reason: string | null; evidence: Record<string, unknown> };
export type Session = { machine: Machine; url: string; token: string; address: string; signal: AbortSignal };
export type Answer<T> = { status: number; body: T };

/** agent-protocol.md, "Calls"; the last one again and again. */
const retryMs = [1_000, 2_000, 4_000, 8_000, 15_000];
const pollMs = 5_000;

/** Runs plans until one says what the machine does next. */
export async function runAgent(session: Session): Promise<'reboot' | 'poweroff'> {
  const { machine, signal } = session;
  const { pace } = machine.place;
  for (;;) {
    const plan = await call<Plan>(session, 'check-in', checkIn(machine.spec, session.address));
    if (plan.status === 401) return 'poweroff';
    if (plan.status === 200) {
      machine.note(`checked-in ${plan.body.operation} ${plan.body.attempt}`);
      await machine.pass('checked-in', signal);
      const next = await runPlan(session, plan.body);
      if (next === 'reboot' || next === 'poweroff') return next;
    }
    await pause(plan.status === 200 ? plan.body.pollSeconds * 1_000 * pace : pollMs * pace, undefined, { signal });
  }
}

/** `wait` also where the attempt is over: the agent checks in again. */
async function runPlan(session: Session, plan: Plan): Promise<Next> {
  let next: Next = plan.end;
  for (const { id } of plan.steps) {
    const claim = await call<Claim>(session, `steps/${id}/claim`, { attempt: plan.attempt });
    session.machine.note(`claim ${id} ${plan.attempt} ${claim.status}`);
    if (claim.status !== 200) return claim.status === 401 ? 'poweroff' : 'wait';
    await session.machine.pass(`claimed ${id}`, session.signal);
    const outcome = await perform(session, claim.body);
    const report = await call<{ next: Next }>(session, `steps/${id}/report`, { attempt: plan.attempt, claim: claim.body.claim, message: null, seconds: 0.1, ...outcome });
    session.machine.note(`report ${id} ${outcome.outcome} ${report.status}`);
    if (report.status !== 200) return 'wait';
    await session.machine.pass(`reported ${id}`, session.signal);
    next = report.body.next;
    if (next !== 'continue') return next;
  }
  return next;
}

export async function call<T>(session: Session, path: string, body: unknown): Promise<Answer<T>> {
  const answer = await session.machine.send(requestOf(path), session.signal, () => insist(session, path.split('/')[0] ?? path, () => post(session, path, body)));
  return { status: answer.status, body: (answer.bytes.length === 0 ? {} : JSON.parse(answer.bytes.toString())) as T };
}

function post({ url, token, address, signal }: Session, path: string, body: unknown): Promise<HttpAnswer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return http({ method: 'POST', url: `${url}/agent/v1/${path}`, from: address, headers, body: JSON.stringify(body), signal });
}

/** Sent once: nobody waits for its answer. */
async function beat(session: Session, body: unknown): Promise<void> {
  await session.machine.send('heartbeat', session.signal, () => post(session, 'heartbeat', body).catch(() => session.signal.throwIfAborted()));
}

/** `steps/seed/claim` is `claim seed`. */
const requestOf = (path: string): string => path.replace(/^steps\/(.*)\/(.*)$/, '$2 $1');

/** Tries again for as long as the machine is on where the rack is away or not ready (agent-protocol.md, "Calls"). */
async function insist({ machine, signal }: Pick<Session, 'machine' | 'signal'>, what: string, send: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await send().catch((error: unknown) => {
      signal.throwIfAborted();
      return error instanceof Error ? undefined : Promise.reject(error);
    });
    if (answer !== undefined && answer.status !== 429 && answer.status < 500) return answer;
    machine.note(`retry ${what} ${answer?.status ?? 'unreachable'}`);
    await pause((retryMs[tries] ?? 15_000) * machine.place.pace, undefined, { signal });
  }
}

const checkIn = (spec: Spec, ip: string): object => ({
  mac: spec.mac, ip, firmware: spec.firmware, secureBoot: false, architecture: 'amd64', uuid: spec.uuid, serial: spec.serial, agentVersion: 'simulated', uptimeSeconds: 3.1,
});

const done = (evidence: Record<string, unknown> = {}): Outcome => ({ outcome: 'succeeded', reason: null, evidence });
const failed = (reason: string): Outcome => ({ outcome: 'failed', reason, evidence: {} });

async function perform(session: Session, claim: Claim): Promise<Outcome> {
  const { machine } = session;
  const { kind, parameters } = claim;
  if (kind !== 'inventory' && kind !== 'test') machine.touch(kind as Touch['what'], `${claim.attempt}/${claim.step}/${claim.claim}`);
  switch (kind) {
    case 'inventory': await call(session, 'inventory', inventory(machine.spec)); return done();
    case 'erase': wipe(machine.disk); return done({ disks: [] });
    case 'write-image': return writeImage(session, claim);
    case 'seed': return writeSeed(machine, parameters as { files: Record<string, string>; config?: string });
    default: return done();
  }
}

/** With the MAAS data source there are no files, only where to fetch them. */
function writeSeed({ disk }: Machine, { files, config }: { files: Record<string, string>; config?: string }): Outcome {
  const all = { ...files, ...(config !== undefined && { '90_ironbus.cfg': config }) };
  disk.seed = Object.fromEntries(Object.entries(all).map(([name, text]) => [name, Buffer.from(text, 'base64').toString()]));
  return done({ files: Object.keys(files), bootEntry: null });
}

async function writeImage(session: Session, { step, attempt, parameters }: Claim): Promise<Outcome> {
  const { machine, address, signal } = session;
  const image = parameters['image'] as { url: string; sha256: string; sizeBytes: number };
  wipe(machine.disk);
  await beat(session, { attempt, step, bytesDone: 0, bytesTotal: image.sizeBytes });
  const answer = await machine.send('image', signal, () => insist({ machine, signal }, 'download', () => http({ method: 'GET', url: image.url, from: address, signal })));
  if (answer.status !== 200) return failed('image-unavailable');
  if (createHash('sha256').update(answer.bytes).digest('hex') !== image.sha256) return failed('image-hash-mismatch');
  machine.disk.image = image.sha256;
  return done({ bytesWritten: answer.bytes.length, sha256: image.sha256, disk: '/dev/vda' });
}

/** One disk of 8 GiB and one card. */
function inventory(spec: Spec): object {
  return {
    firmware: spec.firmware, secureBoot: false, architecture: 'amd64', cpu: { model: 'Simulated', sockets: 1, cores: 1, threads: 2 }, memory: { totalBytes: 2 ** 30, modules: [] },
    disks: [{ name: 'vda', path: '/dev/vda', sizeBytes: 2 ** 33, blockBytes: 512, serial: `DISK-${spec.serial}`, wwn: null, model: null, rotational: false, transport: 'virtio', removable: false }],
    nics: [{ name: 'eth0', mac: spec.mac, link: true, speedMbps: 1000, driver: null, pciId: null, booted: true }],
    dmi: {
      manufacturer: 'Ironbus', product: 'Simulated', serial: spec.serial, uuid: spec.uuid, boardManufacturer: null, boardProduct: null, biosVendor: null, biosVersion: null,
      chassisSerial: null,
    },
    bmc: null,
  };
}

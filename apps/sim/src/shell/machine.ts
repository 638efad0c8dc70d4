/**
 * A machine made of sockets: switched by its BMC, it asks for a lease as firmware and as iPXE do, fetches its loader, its
 * script and its kernel, runs the agent or boots its disk, and calls home with the URL found in the seed on that disk.
 * What its firmware gives up begins anew, as a server that goes round its boot order does.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fillIn } from '../core/ipxe-script.ts';
import type { Spec } from '../core/spec.ts';
import { runAgent } from './agent.ts';
import type { Bmc } from './bmc.ts';
import { http, keepConnection } from './http.ts';
import { takeLease, type Asker, type Lease } from './lease.ts';
import type { Place } from './place.ts';
import { tftpGet } from './tftp.ts';

/**
 * `<stage>` or `<stage> <step>`: powered-on, addressed, loader, leased, script, kernel, checked-in, claimed <step>,
 * reported <step>, system, phoned-home.
 */
export type Gate = (stage: string) => Promise<void> | void;

/** Thrown by a gate: the power fails for a moment, and the machine starts anew. */
export class Reset extends Error {}
/** The firmware or the loader gave up. */
class BootFailed extends Error {}

export type Machine = {
  readonly spec: Spec; readonly place: Place; readonly bmc: Bmc;
  /** What it went through, oldest first. */
  readonly diary: string[];
  readonly disk: { image: string | null; seed: Record<string, string> | null };
  /** Passed at every stage; the machine goes on when it resolves. */
  gate: Gate;
  /** Command lines of the kernels it started, which hold tokens. */
  readonly commandLines: string[];
  readonly boots: () => number;
  note(what: string): void;
  pass(stage: string, signal: AbortSignal): Promise<void>;
  /** Pulls the plug and stops listening to the BMC. */
  stop(): Promise<void>;
};

/** A script says `sleep 5`; cloud-init calls again after about as long; boot orders go round in a few seconds. */
const againMs = 5_000;
const off = new Error('the machine is off');

export function createMachine(spec: Spec, place: Place, bmc: Bmc): Machine {
  let boots = 0;
  let power: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  const machine: Machine = {
    spec, place, bmc, diary: [], disk: { image: null, seed: null }, commandLines: [], gate: () => undefined, boots: () => boots,
    note: (what) => { machine.diary.push(what); },
    async pass(stage, signal) {
      machine.note(stage);
      await orOff(Promise.resolve(machine.gate(stage)), signal);
      if (place.dice.losesPower()) throw new Reset(`the power failed at ${stage}`);
    },
    async stop() {
      bmc.close();
      power?.abort(off);
      await running;
    },
  };
  const switchOn = (): void => {
    power?.abort(off);
    const mine = new AbortController();
    power = mine;
    running = running.then(() => live(machine, { signal: mine.signal, onBoot: () => { boots += 1; } }));
  };
  bmc.onPower((event) => {
    machine.note(`power ${event}`);
    if (event === 'on') switchOn();
    else power?.abort(off);
  });
  return machine;
}

type Life = { signal: AbortSignal; onBoot: () => void };
type Next = 'reboot' | 'poweroff' | 'stay';

/** From power-on until it is off, one boot after the other. */
async function live(machine: Machine, { signal, onBoot }: Life): Promise<void> {
  try {
    for (;;) {
      signal.throwIfAborted();
      onBoot();
      const next = await boot(machine, signal).catch((error: unknown) => onFailed(machine, error, signal));
      if (next === 'poweroff') return machine.bmc.press('off');
      if (next === 'stay') return;
    }
  } catch (error) {
    if (signal.aborted) return;
    machine.note(`crashed: ${String(error)}`);
  }
}

async function onFailed(machine: Machine, error: unknown, signal: AbortSignal): Promise<Next> {
  if (!(error instanceof Reset || error instanceof BootFailed)) throw error;
  machine.note(error instanceof Reset ? 'reset' : `boot failed: ${error.message}`);
  if (error instanceof BootFailed) await pause(againMs * machine.place.pace, undefined, { signal });
  return 'reboot';
}

async function boot(machine: Machine, signal: AbortSignal): Promise<Next> {
  const { place, spec } = machine;
  await machine.pass('powered-on', signal);
  const asker = { spec, signal, retry: (what: string) => machine.note(`retry ${what}`) };
  const firmware = await leased(place, asker, 'firmware');
  await machine.pass('addressed', signal);
  if (firmware.file === '') return startDisk(machine, firmware.address, signal);
  if (await tftpGet(place, firmware, asker) === undefined) throw new BootFailed('no loader came by TFTP');
  await machine.pass('loader', signal);
  const ipxe = await leased(place, asker, 'ipxe');
  await machine.pass('leased', signal);
  const connection = keepConnection();
  try {
    const loader = { machine, from: ipxe.address, signal, connection };
    const script = fillIn(await fetchScript(loader, ipxe.file), spec.firmware);
    await machine.pass('script', signal);
    const kernel = /^kernel (\S+) (.*?) \|\| goto retry$/m.exec(script);
    if (kernel === null) return script.includes('sanboot') ? await startDisk(machine, ipxe.address, signal) : 'stay';
    for (const url of [kernel[1] ?? '', /^initrd (?:--name \S+ )?(\S+)/m.exec(script)?.[1] ?? '']) await fetchFile(loader, url);
    await machine.pass('kernel', signal);
    return await startKernel(machine, asker, kernel[2] ?? '');
  } finally {
    connection.destroy();
  }
}

async function leased(place: Place, asker: Asker, stage: 'firmware' | 'ipxe'): Promise<Lease> {
  const lease = await takeLease(place, asker, stage);
  if (lease === undefined) throw new BootFailed(`no lease for ${stage}`);
  return lease;
}

/** The agent asks for its lease until it has one (agent/lib/network.sh). */
async function startKernel(machine: Machine, asker: Asker, commandLine: string): Promise<Next> {
  const { place } = machine;
  const { signal } = asker;
  machine.commandLines.push(commandLine);
  const word = (name: string): string => new RegExp(`(?:^| )${name}=(\\S+)`).exec(commandLine)?.[1] ?? '';
  for (;;) {
    const lease = await takeLease(place, asker, 'os');
    if (lease !== undefined) return runAgent({ machine, url: word('ironbus.url'), token: word('ironbus.token'), address: lease.address, signal });
    machine.note('retry lease of the agent');
    await pause(1_000 * place.pace, undefined, { signal });
  }
}

type Loader = { machine: Machine; from: string; signal: AbortSignal; connection: ReturnType<typeof keepConnection> };

/** A script that says `sleep` before anything else is to be asked for again; iPXE does not ask twice by itself. */
async function fetchScript({ machine, ...ask }: Loader, url: string): Promise<string> {
  for (;;) {
    const answer = await http({ method: 'GET', url, ...ask }).catch((error: unknown) => { ask.signal.throwIfAborted(); return String(error); });
    const script = typeof answer === 'string' ? '' : answer.bytes.toString();
    const rule = /^# ironbus: (\S+)/m.exec(script)?.[1] ?? (typeof answer === 'string' ? 'unreachable' : `${answer.status}`);
    machine.note(`script ${rule}`);
    if (typeof answer === 'string' || answer.status !== 200) throw new BootFailed(`no script came by HTTP (${rule})`);
    if (/^(kernel|iseq|sanboot|exit)/m.test(script)) return script;
    machine.note('retry script');
    await pause(againMs * machine.place.pace, undefined, { signal: ask.signal });
  }
}

async function fetchFile({ machine, ...ask }: Loader, url: string): Promise<void> {
  const method = machine.place.files === 'get' ? 'GET' : 'HEAD';
  const answer = await http({ method, url, drain: true, ...ask }).catch((error: unknown) => { ask.signal.throwIfAborted(); return { status: String(error) }; });
  if (answer.status !== 200) throw new BootFailed(`${url} did not come by HTTP (${answer.status})`);
}

/** The system on the disk; cloud-init calls until it is heard, once per instance. */
async function startDisk(machine: Machine, address: string, signal: AbortSignal): Promise<'stay'> {
  const { seed } = machine.disk;
  await machine.pass('system', signal);
  if (seed === null) return 'stay';
  const vendor = JSON.parse((seed['vendor-data'] ?? '').replace('#cloud-config\n', '')) as { phone_home?: { url: string } };
  const hostname = (JSON.parse(seed['meta-data'] ?? '{}') as Record<string, string>)['local-hostname'] ?? '';
  const url = vendor.phone_home?.url;
  const already = machine.diary.includes(`called ${url}`);
  if (url === undefined || already) return 'stay';
  const body = new URLSearchParams({ pub_key_ed25519: `ssh-ed25519 AAAA root@${hostname}`, hostname, instance_id: 'i' }).toString();
  for (;;) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await http({ method: 'POST', url, from: address, headers, body, signal }).catch(() => { signal.throwIfAborted(); return undefined; });
    if (answer?.status === 200) break;
    machine.note(`retry phone-home ${answer?.status ?? 'unreachable'}`);
    await pause(againMs * machine.place.pace, undefined, { signal });
  }
  machine.note(`called ${url}`);
  await machine.pass('phoned-home', signal);
  return 'stay';
}

/** Waits for the promise, but no longer than the machine is on. */
function orOff(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(off);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(off);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * A machine made of sockets: switched by its BMC, it asks for a lease as firmware and as iPXE do, fetches its loader, its
 * script and its kernel, and runs the agent, an installer, or the system on its disk.
 * What its firmware gives up begins anew, as a server that goes round its boot order does.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { runScript, type Outcome, type Settings } from '../core/ipxe-script.ts';
import type { Firmware, Spec } from '../core/spec.ts';
import { runAgent } from './agent.ts';
import type { Bmc } from './bmc.ts';
import { blankDisk, type Disk, type Touch } from './disk.ts';
import { http, keepConnection } from './http.ts';
import { configUrlOf, runInstaller } from './installer.ts';
import { takeLease, type Asker, type Lease } from './lease.ts';
import type { Place } from './place.ts';
import { startSystem } from './system.ts';
import { tftpGet } from './tftp.ts';

/**
 * `<stage>` or `<stage> <step>`: powered-on, addressed, loader, leased, script, kernel, checked-in, claimed <step>,
 * reported <step>, installing, installed, system, phoned-home.
 */
export type Gate = (stage: string) => Promise<void> | void;

/**
 * Called for every request of a boot, `before` it leaves and `after` its answer came but nothing was done with it: `discover firmware`,
 * `loader`, `script`, `claim write-image`, `phone-home` and so on. Repetitions belong to their request.
 */
export type OnRequest = (request: string, moment: 'before' | 'after') => Promise<void> | void;

/** Thrown by a gate or at a request: the power fails for a moment, and the machine starts anew. */
export class Reset extends Error {}
/** The firmware or the loader gave up. */
class BootFailed extends Error {}

export type Machine = {
  readonly spec: Spec; readonly place: Place; readonly bmc: Bmc;
  /** What it went through, oldest first. */
  readonly diary: string[];
  readonly disk: Disk;
  /** Passed at every stage; the machine goes on when it resolves. */
  gate: Gate;
  onRequest: OnRequest | undefined;
  /** Command lines of the kernels it started, which hold tokens. */
  readonly commandLines: string[];
  readonly boots: () => number;
  note(what: string): void;
  pass(stage: string, signal: AbortSignal): Promise<void>;
  send<T>(request: string, signal: AbortSignal, send: () => Promise<T>): Promise<T>;
  /** Notes in the disk's history what begins. */
  touch(what: Touch['what'], by: string | null): void;
  /** Pulls the plug and stops listening to the BMC. */
  stop(): Promise<void>;
};

/** Boot orders go round in a few seconds. */
const againMs = 5_000;
/** What iPXE says of itself to its scripts (https://ipxe.org/cfg/buildarch, /cfg/platform): `undionly.kpxe` and Debian's `snponly.efi`. */
const settingsOf: Readonly<Record<Firmware, Settings>> = {
  bios: new Map([['buildarch', 'i386'], ['platform', 'pcbios']]), uefi: new Map([['buildarch', 'x86_64'], ['platform', 'efi']]),
};
const off = new Error('the machine is off');

export function createMachine(spec: Spec, place: Place, bmc: Bmc): Machine {
  let boots = 0;
  let power: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  const machine: Machine = {
    spec, place, bmc, diary: [], disk: blankDisk(), commandLines: [], gate: () => undefined, onRequest: undefined, boots: () => boots,
    note: (what) => { machine.diary.push(what); },
    async pass(stage, signal) {
      machine.note(stage);
      await orOff(Promise.resolve(machine.gate(stage)), signal);
      if (place.dice.losesPower()) throw new Reset(`the power failed at ${stage}`);
    },
    async send(request, signal, send) {
      const { onRequest } = machine;
      if (onRequest === undefined) return send();
      await orOff(Promise.resolve().then(() => onRequest(request, 'before')), signal);
      const answer = await send();
      await orOff(Promise.resolve().then(() => onRequest(request, 'after')), signal);
      return answer;
    },
    touch: (what, by) => { machine.disk.history.push({ what, by, boot: boots, image: machine.disk.image }); },
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
  const asker: Asker = { spec, signal, retry: (what) => machine.note(`retry ${what}`), send: (request, send) => machine.send(request, signal, send) };
  const firmware = await leased(place, asker, 'firmware');
  await machine.pass('addressed', signal);
  if (firmware.file === '') return startSystem(machine, firmware.address, signal);
  const loader = await tftpGet(place, firmware, asker);
  if ('why' in loader) throw new BootFailed(`no loader came by TFTP (${loader.why})`);
  await machine.pass('loader', signal);
  const ipxe = await leased(place, asker, 'ipxe');
  await machine.pass('leased', signal);
  const connection = keepConnection();
  try {
    const fetcher = { machine, from: ipxe.address, signal, connection };
    const start = await runScripts(fetcher, ipxe.file);
    if (start.do === 'disk') return await startSystem(machine, ipxe.address, signal);
    await fetchFile(fetcher, 'kernel', start.kernel);
    for (const url of start.initrds) await fetchFile(fetcher, 'initrd', url);
    await machine.pass('kernel', signal);
    return await startKernel(machine, asker, start.commandLine);
  } finally {
    connection.destroy();
  }
}

async function leased(place: Place, asker: Asker, stage: 'firmware' | 'ipxe'): Promise<Lease> {
  const lease = await takeLease(place, asker, stage);
  if (lease === undefined) throw new BootFailed(`no lease for ${stage}`);
  return lease;
}

/** The agent asks for its lease until it has one (agent/lib/network.sh), and so does an installer here. */
async function startKernel(machine: Machine, asker: Asker, commandLine: string): Promise<Next> {
  const { place } = machine;
  const { signal } = asker;
  machine.commandLines.push(commandLine);
  const configUrl = configUrlOf(commandLine);
  const word = (name: string): string => new RegExp(`(?:^| )${name}=(\\S+)`).exec(commandLine)?.[1] ?? '';
  for (;;) {
    const lease = await takeLease(place, asker, 'os');
    if (lease !== undefined && configUrl !== undefined) return runInstaller({ machine, configUrl, address: lease.address, signal });
    if (lease !== undefined) return runAgent({ machine, url: word('ironbus.url'), token: word('ironbus.token'), address: lease.address, signal });
    machine.note('retry lease of the agent');
    await pause(1_000 * place.pace, undefined, { signal });
  }
}

type Fetcher = { machine: Machine; from: string; signal: AbortSignal; connection: ReturnType<typeof keepConnection> };

/** From script to script, until one starts a kernel or leaves it to the disk. One that sleeps first is to be asked for again; iPXE does not ask twice by itself. */
async function runScripts(fetcher: Fetcher, first: string): Promise<Extract<Outcome, { do: 'boot' | 'disk' }>> {
  const { machine, signal } = fetcher;
  for (let url = first; ;) {
    const outcome = runScript(await fetchScript(fetcher, url), settingsOf[machine.spec.firmware]);
    if (outcome.do === 'failed') throw new BootFailed(`the script ended (${outcome.why})`);
    if (outcome.do !== 'chain') {
      await machine.pass('script', signal);
      return outcome;
    }
    url = outcome.url;
    if (outcome.waitSeconds === 0) continue;
    machine.note('retry script');
    await pause(outcome.waitSeconds * 1_000 * machine.place.pace, undefined, { signal });
  }
}

async function fetchScript({ machine, ...ask }: Fetcher, url: string): Promise<string> {
  const answer = await machine.send('script', ask.signal, () => http({ method: 'GET', url, ...ask }).catch((error: unknown) => { ask.signal.throwIfAborted(); return String(error); }));
  const script = typeof answer === 'string' ? '' : answer.bytes.toString();
  const rule = /^# ironbus: (\S+)/m.exec(script)?.[1] ?? (typeof answer === 'string' ? 'unreachable' : `${answer.status}`);
  machine.note(`script ${rule}`);
  if (typeof answer === 'string' || answer.status !== 200) throw new BootFailed(`no script came by HTTP (${rule})`);
  return script;
}

async function fetchFile({ machine, ...ask }: Fetcher, what: 'kernel' | 'initrd', url: string): Promise<void> {
  const method = machine.place.files === 'get' ? 'GET' : 'HEAD';
  const answer = await machine.send(what, ask.signal, () => http({ method, url, drain: true, ...ask }).catch((error: unknown) => { ask.signal.throwIfAborted(); return { status: String(error) }; }));
  if (answer.status !== 200) throw new BootFailed(`${url} did not come by HTTP (${answer.status})`);
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

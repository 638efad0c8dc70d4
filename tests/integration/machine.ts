/**
 * A machine made of sockets: switched by its BMC, it asks for a lease as firmware and as iPXE do, fetches its loader and
 * its script, runs the agent or boots its disk, and calls home with the URL found in the seed on that disk.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { runAgent } from './agent.ts';
import type { Bmc } from './bmc.ts';
import { http, takeLease, tftpGet, type Place } from './wires.ts';

export type Spec = { name: string; mac: string; uuid: string; serial: string };
/** `<stage>` or `<stage> <step>`: powered-on, leased, script, checked-in, claimed <step>, reported <step>, system, phoned-home. */
export type Gate = (stage: string) => Promise<void> | void;

/** Thrown by a gate: the power fails for a moment, and the machine starts anew. */
export class Reset extends Error {}

export type Machine = {
  readonly spec: Spec; readonly bmc: Bmc;
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

const retryMs = 50;
const off = new Error('the machine is off');

export function createMachine(spec: Spec, place: Place, bmc: Bmc): Machine {
  let boots = 0;
  let power: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  const machine: Machine = {
    spec, bmc, diary: [], disk: { image: null, seed: null }, commandLines: [], gate: () => undefined, boots: () => boots,
    note: (what) => { machine.diary.push(what); },
    async pass(stage, signal) {
      machine.note(stage);
      await orOff(Promise.resolve(machine.gate(stage)), signal);
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
    running = running.then(() => live(machine, place, { signal: mine.signal, onBoot: () => { boots += 1; } }));
  };
  bmc.onPower((event) => {
    machine.note(`power ${event}`);
    if (event === 'on') switchOn();
    else power?.abort(off);
  });
  return machine;
}

type Life = { signal: AbortSignal; onBoot: () => void };

/** From power-on until it is off, one boot after the other. */
async function live(machine: Machine, place: Place, { signal, onBoot }: Life): Promise<void> {
  try {
    for (;;) {
      signal.throwIfAborted();
      onBoot();
      const next = await boot(machine, place, signal).catch((error: unknown) => { if (error instanceof Reset) return 'reboot' as const; throw error; });
      if (next === 'poweroff') return machine.bmc.press('off');
      if (next === 'stay') return;
    }
  } catch (error) {
    if (signal.aborted) return;
    machine.note(`crashed: ${String(error)}`);
  }
}

async function boot(machine: Machine, place: Place, signal: AbortSignal): Promise<'reboot' | 'poweroff' | 'stay'> {
  await machine.pass('powered-on', signal);
  const asker = { mac: machine.spec.mac, signal, retry: (what: string) => machine.note(`retry ${what}`) };
  const firmware = await takeLease(place, { ...asker, stage: 'firmware' });
  if (firmware.file === '') return startDisk(machine, firmware.address, signal);
  await tftpGet(place, firmware, { ...asker, stage: 'firmware' });
  const { address, file } = await takeLease(place, { ...asker, stage: 'ipxe' });
  await machine.pass('leased', signal);
  const script = await fetchScript(machine, { url: file, from: address, signal });
  await machine.pass('script', signal);
  const kernel = /^kernel \S+ (.*?) \|\| goto retry$/m.exec(script)?.[1];
  if (kernel === undefined) return script.includes('sanboot') ? startDisk(machine, address, signal) : 'stay';
  machine.commandLines.push(kernel);
  const word = (name: string): string => new RegExp(`(?:^| )${name}=(\\S+)`).exec(kernel)?.[1] ?? '';
  return runAgent({ machine, url: word('ironbus.url'), token: word('ironbus.token'), address, signal });
}

/** A script that says `sleep` before anything else is to be asked for again. */
async function fetchScript(machine: Machine, { url, from, signal }: { url: string; from: string; signal: AbortSignal }): Promise<string> {
  for (;;) {
    const answer = await http({ method: 'GET', url, from, signal }).catch((error: unknown) => { signal.throwIfAborted(); return String(error); });
    const script = typeof answer === 'string' ? '' : answer.bytes.toString();
    const rule = /^# ironbus: (\S+)/m.exec(script)?.[1] ?? 'unreachable';
    machine.note(`script ${rule}`);
    if (/^(kernel|iseq|sanboot|exit)/m.test(script)) return script;
    await pause(retryMs, undefined, { signal });
  }
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
    await pause(retryMs, undefined, { signal });
  }
  machine.note(`called ${url}`);
  await machine.pass('phoned-home', signal);
  return 'stay';
}

/** Waits for the promise, but no longer than the machine is on. */
function orOff(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(off);
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(off), { once: true });
    promise.then(resolve, reject);
  });
}

/**
 * Virtual machines of a lab: made here, powered by `power.sh`, which a BMC calls as well.
 *
 * A machine is a directory `<lab>/machines/<name>`: its disks, firmware variables, serial log, the record of its QEMU,
 * and the two scripts that start it. Nothing of it lives in the harness's memory, so it survives the harness.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, createReadStream, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import type { Lab } from './lab.ts';
import { addTap } from './network.ts';
import { bootsByHttp,
  type BootOrder, type Firmware, flashFiles, hasOwnBootOrder, machineFaults, machineFiles, type MachineSpec, qemuArgv, shellLine, tapOf,
} from './qemu-argv.ts';
import { inNamespace, mustRun, waitUntil } from './run.ts';
import { withNetworkFirst } from './uefi-variables.ts';

export type PowerVerb = 'on' | 'off' | 'lose' | 'cycle' | 'reset' | 'soft';

/** A machine that exists. */
export type Machine = {
  spec: MachineSpec;
  dir: string;
  /** Presses a button, or pulls the plug (`lose`); `on` returns when QEMU runs, `off` and `lose` when it is gone, the others when they are delivered. */
  power: (verb: PowerVerb) => Promise<void>;
  status: () => Promise<'on' | 'off'>;
  /** Chooses the boot device of the next start only. */
  bootOnce: (order: BootOrder) => Promise<void>;
  /** Presses a key of its keyboard, by QEMU's name of it: `ret`, `end`. */
  key: (name: string) => Promise<void>;
  /** Writes what the screen shows as PNG. */
  screenshot: (pngPath: string) => Promise<void>;
  /** All serial output of its life, or what came after `from` (a length that `serial` had before). */
  serial: (from?: number) => string;
  /** Waits for a line on the serial console; throws with the last lines seen. */
  waitForSerial: (pattern: RegExp, options: { timeoutMs: number; from?: number }) => Promise<RegExpExecArray>;
};

const powerScript = join(import.meta.dirname, 'power.sh');

/** Makes a machine that is off: directory, disks, firmware variables, tap. Throws a RangeError naming every fault of `spec`. */
export async function addMachine(lab: Lab, spec: MachineSpec): Promise<Machine> {
  const faults = machineFaults(spec);
  if (faults.length > 0) throw new RangeError(`machine '${spec.name}': ${faults.join('; ')}`);
  const dir = machineDir(lab, spec.name);
  if (existsSync(dir)) throw new Error(`machine '${spec.name}' exists already`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'machine.json'), `${JSON.stringify(spec, null, 2)}\n`);
  writeFileSync(join(dir, machineFiles.serialLog), '');
  for (const order of ['network', 'disk'] as const) writeStarter(lab, dir, spec, order);
  if (spec.firmware !== 'bios') writeVariables(dir, spec, spec.firmware);
  for (const [index, disk] of spec.disks.entries()) {
    await mustRun(['qemu-img', 'create', '-q', '-f', 'qcow2', join(dir, machineFiles.disk(index)), `${disk.sizeGb}G`]);
  }
  await addTap(lab, tapOf(spec), spec.network);
  return machineAt(dir, spec);
}

/** A machine made earlier, maybe by another process; throws when there is none of this name. */
export function openMachine(lab: Lab, name: string): Machine {
  const dir = machineDir(lab, name);
  return machineAt(dir, JSON.parse(readFileSync(join(dir, 'machine.json'), 'utf8')) as MachineSpec);
}

/** The argv that runs a power verb; what a BMC is given is this plus `chassis`. */
export function powerArgv(dir: string, ...verb: string[]): string[] {
  return ['sh', powerScript, dir, ...verb];
}

/** SHA-256 of a disk's raw contents, hex; the machine must be off. Two equal digests prove that nothing was written. */
export async function diskDigest(machine: Machine, index: number): Promise<string> {
  if ((await machine.status()) === 'on') throw new Error(`${machine.spec.name} is on: its disk is still being written`);
  const raw = join(machine.dir, `disk${index}.digest.raw`);
  await mustRun(['qemu-img', 'convert', '-O', 'raw', join(machine.dir, machineFiles.disk(index)), raw], { timeoutMs: 300_000 });
  try {
    const hash = createHash('sha256');
    const stream = createReadStream(raw, { highWaterMark: 1 << 20 });
    stream.on('data', (part) => hash.update(part));
    await once(stream, 'close');
    return hash.digest('hex');
  } finally {
    await rm(raw);
  }
}

function machineDir(lab: Lab, name: string): string {
  return join(lab.dir, 'machines', name);
}

function machineAt(dir: string, spec: MachineSpec): Machine {
  const press = async (...verb: string[]): Promise<string> => (await mustRun(powerArgv(dir, ...verb))).trim();
  const log = join(dir, machineFiles.serialLog);
  const serial = (from = 0): string => readFileSync(log).subarray(from).toString('latin1');
  return {
    spec,
    dir,
    serial,
    power: async (verb) => void (await press(verb)),
    status: async () => ((await press('status')) === 'on' ? 'on' : 'off'),
    bootOnce: async (order) => void (await press('boot', order)),
    key: async (name) => void (await press('key', name)),
    screenshot: async (pngPath) => {
      await press('screenshot', pngPath);
      await waitUntil(`screenshot ${pngPath}`, () => existsSync(pngPath) && statSync(pngPath).size > 0, { timeoutMs: 5000 });
    },
    waitForSerial: async (pattern, { timeoutMs, from = 0 }) => {
      const what = `${spec.name}: ${pattern} on its serial console`;
      return waitUntil(what, () => pattern.exec(serial(from)) ?? undefined, { timeoutMs, everyMs: 100 })
        .catch((error: Error) => { throw new Error(`${error.message}; it ends: ${serial(from).slice(-400)}`); });
    },
  };
}

/** The firmware's variables live as long as the machine: across power cycles and resets. */
function writeVariables(dir: string, spec: MachineSpec, firmware: Exclude<Firmware, 'bios'>): void {
  const fresh = readFileSync(flashFiles(firmware).variables);
  const kind = bootsByHttp(firmware) ? 'http' : 'pxe';
  writeFileSync(join(dir, machineFiles.variables), hasOwnBootOrder(spec) ? withNetworkFirst(fresh, spec.mac, kind) : fresh);
}

function writeStarter(lab: Lab, dir: string, spec: MachineSpec, order: BootOrder): void {
  const path = join(dir, `start-${order}`);
  const copy = spec.firmware !== 'bios' && order === 'disk' ? `cp ${machineFiles.variables} ${machineFiles.variablesOnce} || exit 1\n` : '';
  writeFileSync(path, `#!/bin/sh\n${copy}exec ${shellLine(inNamespace(lab, 'rack', qemuArgv(spec, order)))}\n`);
  chmodSync(path, 0o755);
}

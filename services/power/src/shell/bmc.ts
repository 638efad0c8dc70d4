/** One machine's BMC: reads the state, changes it, reads it back. */
import { setTimeout as pause } from 'node:timers/promises';
import { IronbusError, type BmcParameters, type BootDevice, type ErrorCode, type PowerAction, type PowerState } from '@ironbus/contracts';
import type { PowerConfig } from '../config.ts';
import { bootDeviceHolds, failureOf, ipmiCommand, parsePowerState, type Verb } from '../core/ipmi.ts';
import { readAgainMs, stepsFor, type Change } from '../core/sequence.ts';
import type { RunIpmi } from './ipmitool.ts';

export type Firmware = 'bios' | 'uefi' | null;
export type Switched = { previous: PowerState; state: PowerState; bootDeviceVerified: boolean | null };
export type Access = {
  run: RunIpmi; parameters: BmcParameters; firmware: Firmware;
  times: Pick<PowerConfig, 'confirmSeconds' | 'softSeconds' | 'attempts'>;
  /** Ends waiting between commands; a command that runs is never killed, or its session would stay open in the BMC for a minute. */
  signal: AbortSignal;
};

export type Bmc = {
  state(): Promise<PowerState>;
  /** Throws POWER_BMC_UNREACHABLE, POWER_BMC_AUTH, POWER_BMC_REFUSED, POWER_NOT_CONFIRMED, POWER_TOOL_MISSING, and the signal's reason. */
  apply(action: PowerAction, device: BootDevice): Promise<Switched>;
};

export function openBmc(access: Access): Bmc {
  const { times, parameters } = access;
  const send = (verb: Verb): Promise<string> => sendPatiently(access, verb);
  const state = async (): Promise<PowerState> => parsePowerState(await send('status'));

  /** BMCs drop a command that comes too soon after another: it is sent a second time at half of the time to confirm. */
  async function change(verb: Change, until: PowerState): Promise<void> {
    if (verb === 'soft') return shutDown(until);
    for (const _ of ['first', 'again']) {
      await send(verb);
      if (await reaches(access, until, times.confirmSeconds / 2)) return;
    }
    throw new IronbusError('POWER_NOT_CONFIRMED', `the BMC took the command, but ${times.confirmSeconds} s later the machine is still not ${until} (${parameters.address})`);
  }

  /** Asks the operating system; where it does not listen, or the BMC can not ask it, the machine is switched off. */
  async function shutDown(until: PowerState): Promise<void> {
    const asked = await send('soft').catch(unless('POWER_BMC_REFUSED'));
    if (asked === undefined || !await reaches(access, until, times.softSeconds)) await change('off', until);
  }

  return {
    state,
    async apply(action, device) {
      const previous = await state();
      let bootDeviceVerified: boolean | null = null;
      for (const step of stepsFor(action, device, previous)) {
        if (step.do === 'set-boot-device') bootDeviceVerified = await setBootDevice(send, step.device);
        else await change(step.do, step.until);
      }
      return { previous, state: await state(), bootDeviceVerified };
    },
  };
}

/** Turns failures of one code into undefined. */
const unless = (code: ErrorCode) => (error: unknown): undefined => {
  if (!(error instanceof IronbusError) || error.code !== code) throw error;
};

/** A BMC that can not set or read its boot option has not verified it; the firmware's own order may still be right. */
async function setBootDevice(send: (verb: Verb) => Promise<string>, device: BootDevice): Promise<boolean> {
  const set = await send(device === 'network' ? 'set-boot-network' : 'set-boot-disk').catch(unless('POWER_BMC_REFUSED'));
  const read = set === undefined ? undefined : await send('read-boot').catch(unless('POWER_BMC_REFUSED'));
  return read !== undefined && bootDeviceHolds(read, device);
}

async function sendOnce({ run, parameters, firmware, signal }: Access, verb: Verb): Promise<string> {
  signal.throwIfAborted();
  const ran = await run(`${parameters.address}:${parameters.port}`, ipmiCommand(parameters, verb, firmware));
  const failure = failureOf(ran, parameters);
  if (failure !== undefined) throw new IronbusError(failure.code, failure.message);
  return ran.stdout;
}

async function sendPatiently(access: Access, verb: Verb): Promise<string> {
  for (let tried = 1; ; tried++) {
    const answer = await sendOnce(access, verb).catch(tried < access.times.attempts ? unless('POWER_BMC_UNREACHABLE') : undefined);
    if (answer !== undefined) return answer;
    await wait(1000 * tried, access.signal);
  }
}

/** Reads until the state is there or time is up. A BMC that falls silent meanwhile (its port is the machine's own) is asked again; throws if it stays so. */
async function reaches(access: Access, wanted: PowerState, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (let reads = 1; ; reads++) {
    const late = Date.now() > end;
    const read = await sendOnce(access, 'status').catch(late ? undefined : unless('POWER_BMC_UNREACHABLE'));
    if (read !== undefined && parsePowerState(read) === wanted) return true;
    if (late) return false;
    await wait(Math.min(readAgainMs(reads), Math.max(50, end - Date.now() + 1)), access.signal);
  }
}

/** Rejects with the signal's own reason. */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

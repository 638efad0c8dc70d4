/**
 * What ipmitool is told and what its words mean. Pure: argv and environment in, meaning out.
 * Source: ipmitool(1) of 1.8.19; the error texts are witnessed on openipmi's ipmi_sim 2.0.33 (reference lab, and ipmi.test.ts).
 */
import type { BmcParameters, BootDevice, ErrorCode, PowerState } from '@ironbus/contracts';

export type Verb = 'status' | 'on' | 'off' | 'soft' | 'reset' | 'set-boot-network' | 'set-boot-disk' | 'read-boot';
export type Command = { argv: readonly string[]; env: Record<string, string> };
/** What ipmitool did: exit code (null: killed by its time limit) and everything it printed. */
export type Ran = { code: number | null; stdout: string; stderr: string };
export type Outcome<T> = { ok: true; value: T } | { ok: false; code: ErrorCode; message: string };

const bootOptions: Partial<Record<Verb, readonly string[]>> = {
  status: ['chassis', 'power', 'status'], on: ['chassis', 'power', 'on'], off: ['chassis', 'power', 'off'],
  soft: ['chassis', 'power', 'soft'], reset: ['chassis', 'power', 'reset'], 'read-boot': ['chassis', 'bootparam', 'get', '5'],
};

/**
 * The password goes by environment (`-E` reads IPMI_PASSWORD), never in argv. `-v` makes ipmitool say why a session failed:
 * without it a wrong password and a dead BMC read the same. `-N 1 -R 2` waits 1, 2 and 3 s for each answer: slow BMCs need that, and
 * a dead one costs six seconds a try (measured; `-R 1` would be two).
 */
export function ipmiCommand(bmc: BmcParameters, verb: Verb, firmware: 'bios' | 'uefi' | null): Command {
  const session = ['-I', 'lanplus', '-H', bmc.address, '-p', String(bmc.port), '-U', bmc.username, '-E', '-C', String(bmc.cipherSuite), '-L', bmc.privilege, '-N', '1', '-R', '2', '-v'];
  return { argv: [...session, ...(bootOptions[verb] ?? bootDevice(verb, firmware))], env: { IPMI_PASSWORD: bmc.password } };
}

/** IPMI 2.0 §28.12, boot option 5: for the next boot only; `efiboot` where the firmware is UEFI, or it would set up a BIOS boot. */
function bootDevice(verb: Verb, firmware: 'bios' | 'uefi' | null): string[] {
  const device = verb === 'set-boot-network' ? 'pxe' : 'disk';
  return ['chassis', 'bootdev', device, ...(firmware === 'uefi' ? ['options=efiboot'] : [])];
}

/** Patterns in the order they are tried; the first that matches says what went wrong. */
const failures: readonly { says: RegExp; code: ErrorCode; message: string }[] = [
  { says: /RAKP 2 HMAC is invalid|RAKP 2 message indicates an error : (unauthorized name|invalid role|unauthorized role)|unauthorized name|Unauthorized|RAKP 4 message indicates an error/i, code: 'POWER_BMC_AUTH', message: 'the BMC refused the user name or password' },
  { says: /Insufficient privilege/i, code: 'POWER_BMC_AUTH', message: 'the BMC user may not switch power: give it the OPERATOR or ADMINISTRATOR privilege on the LAN channel' },
  { says: /invalid (authentication|integrity|confidentiality) algorithm|cipher suite/i, code: 'POWER_BMC_REFUSED', message: 'the BMC does not offer this cipher suite: set cipherSuite to 3 or 17' },
  { says: /Get Auth Capabilities error|no response|Unable to establish (IPMI v2|LAN)|Could not open socket|Address lookup|Invalid hostname/i, code: 'POWER_BMC_UNREACHABLE', message: 'the BMC does not answer on its address' },
];

/** Undefined when the command worked. */
export function failureOf(ran: Ran, bmc: Pick<BmcParameters, 'address' | 'port'>): { code: ErrorCode; message: string } | undefined {
  if (ran.code === 0) return undefined;
  const at = ` (${bmc.address}:${bmc.port})`;
  if (ran.code === null) return { code: 'POWER_BMC_UNREACHABLE', message: `the BMC did not finish the command in time${at}` };
  const said = `${ran.stderr}\n${ran.stdout}`;
  const known = failures.find((failure) => failure.says.test(said));
  if (known !== undefined) return { code: known.code, message: `${known.message}${at}` };
  return { code: 'POWER_BMC_REFUSED', message: `the BMC refused${at}: ${lastLine(said)}` };
}

const noise = /Loading IANA|Get VSO|Get HPM|IPMB address|Invalid completion code received/;
const lastLine = (text: string): string => text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !noise.test(line)).at(-1)?.slice(0, 300) ?? 'no reason given';

/** `Chassis Power is on`. */
export function parsePowerState(stdout: string): PowerState {
  const word = /Chassis Power is (on|off)/.exec(stdout)?.[1];
  return word === 'on' || word === 'off' ? word : 'unknown';
}

/** Whether boot option 5 reads back as asked for; false where the BMC says its flags are invalid (ipmi_sim) or names another device. */
export function bootDeviceHolds(stdout: string, wanted: BootDevice): boolean {
  const selected = wanted === 'network' ? /Boot Device Selector\s*:\s*Force PXE/i : /Boot Device Selector\s*:\s*Force Boot from default Hard-[dD]rive/i;
  return /Boot Flag Valid/i.test(stdout) && selected.test(stdout);
}

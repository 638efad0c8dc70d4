/** The command line of ironbus-sim. Pure. */
import { isIpv4 } from '@ironbus/wire';
import type { Faults } from './dice.ts';
import type { Firmware } from './spec.ts';

export const optionTable = {
  machines: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' }, interface: { type: 'string' }, relay: { type: 'string' }, server: { type: 'string' },
  'dhcp-port': { type: 'string', default: '67' }, 'tftp-port': { type: 'string', default: '69' }, firmware: { type: 'string', default: 'bios' },
  files: { type: 'string', default: 'get' }, until: { type: 'string', default: 'check-in' }, spread: { type: 'string', default: '0' }, within: { type: 'string', default: '120' },
  lost: { type: 'string', default: '0' }, repeated: { type: 'string', default: '0' }, 'power-lost': { type: 'string', default: '0' }, json: { type: 'string' },
} as const;

export const usage = `ironbus-sim boots machines that are not there.
  --machines N --seed N         how many, and what they and their faults are made from
  --interface DEV               they are on this segment (needs CAP_NET_RAW and koffi). Their leases must be local addresses here:
                                ip route add local <range> dev lo
  --relay ADDR --server ADDR    or: they are behind a relay with this address, and ask this server (--dhcp-port, --tftp-port)
  --firmware bios|uefi|mixed    --files get|head (kernel and initrd)    --until check-in|off
  --spread S --within S         switched on evenly over so many seconds (0: at once); ends after so many (120)
  --lost P --repeated P --power-lost P    probabilities: of each DHCP and TFTP datagram, at each stage of a boot
  --json FILE                   the numbers of the table, as JSON`;

type Values = { [name in keyof typeof optionTable]?: string | undefined };
export type Where = { how: 'segment'; device: string } | { how: 'relay'; relay: string; server: string; port: number };
export type Given = {
  ok: true; on: Where; json: string | undefined;
  options: {
    machines: number; seed: number; firmware: Firmware | 'mixed'; spreadMs: number; withinMs: number; until: 'check-in' | 'off'; faults: Faults;
    place: { tftpPort: number; pace: number; files: 'get' | 'head' };
  };
};

/** `read` throws what is wrong with the names of the options. */
export function optionsOf(read: () => Values): Given | { ok: false; why: string } {
  try {
    return understand(read());
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}

function understand(values: Values): Given {
  const within = (name: keyof Values, least: number, most: number): number => {
    const value = Number(values[name]);
    if (values[name] === '' || !(value >= least && value <= most)) throw new Error(`--${name} is ${values[name]}: give a number from ${least} to ${most}`);
    return value;
  };
  const oneOf = <T extends string>(name: keyof Values, words: readonly T[]): T => {
    const word = words.find((candidate) => candidate === values[name]);
    if (word === undefined) throw new Error(`--${name} is ${values[name]}: give one of ${words.join(', ')}`);
    return word;
  };
  return {
    ok: true, on: where(values, within('dhcp-port', 1, 65_535)), json: values.json,
    options: {
      machines: Math.floor(within('machines', 1, 20_000)), seed: Math.floor(within('seed', 0, 2 ** 32 - 1)), firmware: oneOf('firmware', ['bios', 'uefi', 'mixed']),
      spreadMs: within('spread', 0, 3_600) * 1_000, withinMs: within('within', 1, 3_600) * 1_000, until: oneOf('until', ['check-in', 'off']),
      faults: { lost: within('lost', 0, 1), repeated: within('repeated', 0, 1), powerLost: within('power-lost', 0, 1) },
      place: { tftpPort: within('tftp-port', 1, 65_535), pace: 1, files: oneOf('files', ['get', 'head']) },
    },
  };
}

function where({ interface: device, relay, server }: Values, port: number): Where {
  if (device !== undefined && relay === undefined) return { how: 'segment', device };
  if (device !== undefined || relay === undefined || server === undefined) throw new Error('say where the machines are: --interface, or --relay and --server');
  for (const address of [relay, server]) if (!isIpv4(address)) throw new Error(`${address} is no IPv4 address`);
  return { how: 'relay', relay, server, port };
}

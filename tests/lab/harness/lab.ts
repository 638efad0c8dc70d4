/**
 * The names, addresses and directories of one virtual lab. Pure: nothing here touches the machine.
 *
 * Two labs live side by side when both their prefix (namespaces, state directory) and their base (addresses) differ.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What a caller may choose about a lab. */
export type LabSettings = {
  /** Names the namespaces `<prefix>-rack`, `-prov`, `-rtr` and the state directory. */
  prefix?: string;
  /** The first two octets of every address in the lab. */
  base?: string;
  /** Directory that holds one state directory for each prefix. */
  stateRoot: string;
  /** Adds the relay router and gives the far segment a way out. */
  router?: boolean;
};

/** One lab, fully named. `Lab` is data: functions of the other modules act on it. */
export type Lab = {
  prefix: string;
  base: string;
  /** Everything the lab writes lies here. */
  dir: string;
  namespaces: { rack: string; prov: string; rtr: string };
  /** The veth pair between the host's root namespace and prov. */
  hostLink: { host: string; prov: string };
  addresses: LabAddresses;
  router: boolean;
};

/** IPv4 addresses as text, without a prefix length. */
export type LabAddresses = {
  /** The stack, as machines on the pxe segment see it. */
  prov: string;
  /** The stack, as BMCs see it. */
  provBmc: string;
  /** The stack, as the host sees it. */
  provHost: string;
  host: string;
  /** The rack namespace's own foot on the BMC segment. */
  rackBmc: string;
  /** The relay router on the pxe and on the far segment. */
  routerPxe: string;
  routerFar: string;
  /** IPv6 of the stack on the pxe segment, and of the router on the far one (unique local, RFC 4193). */
  provV6: string;
  routerFarV6: string;
};

/** Names everything of a lab; throws a RangeError when prefix or base is not usable. */
export function defineLab(settings: LabSettings): Lab {
  const prefix = settings.prefix ?? 'ironbus-lab';
  const base = settings.base ?? '10.77';
  if (!/^[a-z][a-z0-9-]{1,31}$/.test(prefix)) throw new RangeError(`lab prefix '${prefix}': 2 to 32 of a-z 0-9 -`);
  if (!isBase(base)) throw new RangeError(`lab base '${base}': the first two octets of a private range, such as 10.77`);
  const short = createHash('sha256').update(prefix).digest('hex').slice(0, 6);
  return {
    prefix,
    base,
    dir: join(settings.stateRoot, prefix),
    namespaces: { rack: `${prefix}-rack`, prov: `${prefix}-prov`, rtr: `${prefix}-rtr` },
    hostLink: { host: `ib${short}h`, prov: 'pvh' },
    addresses: addressesOf(base),
    router: settings.router ?? false,
  };
}

/** The address of the BMC with this index (0 is the first one). */
export function bmcAddress(lab: Lab, index: number): string {
  if (!Number.isInteger(index) || index < 0 || index > 200) throw new RangeError(`bmc index ${index}: 0 to 200`);
  return `${lab.base}.9.${11 + index}`;
}

/** The networks of a lab in CIDR form: what the host gets routes to, and what must not overlap with the host's own. */
export function labNetworks(lab: Lab): readonly string[] {
  return [0, 1, 9].map((third) => `${lab.base}.${third}.0/24`);
}

function addressesOf(base: string): LabAddresses {
  const v6 = `fd00:${base.replace('.', ':')}`;
  return {
    prov: `${base}.0.1`,
    provBmc: `${base}.9.1`,
    provHost: `${base}.8.2`,
    host: `${base}.8.1`,
    rackBmc: `${base}.9.2`,
    routerPxe: `${base}.0.254`,
    routerFar: `${base}.1.1`,
    provV6: `${v6}::1`,
    routerFarV6: `${v6}:1::1`,
  };
}

function isBase(base: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})$/.exec(base);
  if (match === null) return false;
  const [first, second] = [Number(match[1]), Number(match[2])];
  return second <= 255 && (first === 10 || (first === 172 && second >= 16 && second < 32));
}

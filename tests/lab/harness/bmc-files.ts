/** The files that make ipmi_sim one machine's BMC: ipmi_lan(5) configuration, ipmi_sim_cmd(5) commands, FRU bytes. Pure. */

/** An IPMI user; `privilege` is the highest level its sessions get. Names and passwords: at most 16 bytes (IPMI 2.0 §22.28, §22.30). */
export type BmcUser = { name: string; password: string; privilege: 'user' | 'operator' | 'admin' };

/** What the users of a BMC are when nobody says otherwise. */
export const defaultBmcUsers: readonly BmcUser[] = [
  { name: 'admin', password: 'secret', privilege: 'admin' },
  { name: 'oper', password: 'operpw', privilege: 'operator' },
];

export type BmcSpec = {
  name: string;
  address: string;
  uuid: string;
  serial: string;
  users: readonly BmcUser[];
  /** A command without arguments of its own; ipmi_sim appends `get power` and the like. */
  chassisControl: string;
  /** The same, for the LAN's own settings. */
  lanControl: string;
  kcsPort?: number;
};

/** lan.conf: one LAN channel on UDP 623 with RMCP+; user 1 is the anonymous one and disabled. */
export function lanConf(spec: BmcSpec): string {
  const levels = ['callback', 'user', 'operator', 'admin'];
  const users = spec.users.map((user, index) =>
    `  user ${index + 2} true "${user.name}" "${user.password}" ${user.privilege} 10 none md2 md5 straight`);
  return [
    `name "${spec.name}"`,
    'set_working_mc 0x20',
    '  startlan 1',
    `    addr ${spec.address} 623`,
    '    priv_limit admin',
    ...levels.map((level) => `    allowed_auths_${level} none md2 md5 straight`),
    `    guid ${spec.uuid.replaceAll('-', '')}`,
    `    lan_config_program "${spec.lanControl}"`,
    '  endlan',
    `  chassis_control "${spec.chassisControl}"`,
    ...(spec.kcsPort === undefined ? [] : [`  serial kcs 127.0.0.1 ${spec.kcsPort} codec VM`]),
    '  user 1 false "" "" user 10 none md2 md5 straight',
    ...users,
    '',
  ].join('\n');
}

/**
 * The LAN parameters of a BMC (IPMI 2.0 table 23-4) as the sh program that ipmi_sim asks for them, so that a system can
 * find its BMC's address in-band. Words as ipmi_sim has them; the address can't be changed. Pure.
 */
export function lanControlScript(lan: { address: string; mac: string; gateway: string }): string {
  const values = [
    ['ip_addr', lan.address], ['ip_addr_src', 'static'], ['mac_addr', lan.mac], ['subnet_mask', '255.255.255.0'],
    ['default_gw_ip_addr', lan.gateway], ['default_gw_mac_addr', '00:00:00:00:00:00'],
    ['backup_gw_ip_addr', '0.0.0.0'], ['backup_gw_mac_addr', '00:00:00:00:00:00'],
  ];
  return [
    '#!/bin/sh', 'echo "$(date -u +%H:%M:%S) $*" >> lan.log', 'for word in "$@"; do', '  case $word in',
    ...values.map(([name, value]) => `    ${name}) echo '${name}:${value}' ;;`),
    '  esac', 'done', '',
  ].join('\n');
}

/** A BMC's own hardware address: locally administered, told apart from its machine's by the first octet. */
export const bmcMac = (machineMac: string): string => `0a${machineMac.slice(2)}`;

/** The commands ipmi_sim runs at its start: one management controller at 0x20 with an event log and a FRU. */
export function simCommands(spec: BmcSpec): string {
  const fru = [...fruBytes(spec.serial)].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(' ');
  return [
    'mc_setbmc 0x20',
    'mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr',
    'sel_enable 0x20 1000 0x0a',
    `mc_add_fru_data 0x20 0 ${fruSize} data ${fru}`,
    'mc_enable 0x20',
    '',
  ].join('\n');
}

const fruSize = 256;

/** FRU inventory with a board and a product area (IPMI Platform Management FRU Information Storage Definition 1.0 §8, §11, §12). */
export function fruBytes(serial: string): Uint8Array {
  const board = area([1, 0, 25, 0, 0, 0], ['Ironbus', 'Lab Board', `${serial}-B`, 'LB-1', '']);
  const product = area([1, 0, 25], ['Ironbus', 'Lab Node', 'LN-1', '1', serial, '', '']);
  const header = [1, 0, 0, 1, 1 + board.length / 8, 0, 0];
  const all = new Uint8Array(fruSize);
  all.set([...header, checksum(header), ...board, ...product]);
  return all;
}

/** One area: version, length in eighths, the fixed fields, type/length coded texts (§13), 0xc1, padding, zero checksum. */
function area(head: readonly number[], texts: readonly string[]): number[] {
  const body = [...head, ...texts.flatMap((text) => [0xc0 | text.length, ...Buffer.from(text, 'latin1')]), 0xc1];
  while (body.length % 8 !== 7) body.push(0);
  body[1] = (body.length + 1) / 8;
  return [...body, checksum(body)];
}

const checksum = (bytes: readonly number[]): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

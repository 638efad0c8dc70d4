/** A network a rack serves. Owned by api, published through KV; nothing answers on it unless a person chose a `mode`. */
import { Type, type Static } from 'typebox';
import { DurationSeconds, Hostname, Ipv4Address, MacAddress, RackIdText, Token } from './primitives.ts';

export const Cidr = Type.String({ pattern: '^(\\d{1,3}\\.){3}\\d{1,3}/\\d{1,2}$', maxLength: 18 });
export const AddressRange = Type.Object({ from: Ipv4Address, to: Ipv4Address });
export type AddressRange = Static<typeof AddressRange>;
export const NetworkMode = Type.Union([Type.Literal('authoritative'), Type.Literal('proxy'), Type.Literal('off'), Type.Literal('shadow')]);
export type NetworkMode = Static<typeof NetworkMode>;

/**
 * A DHCP option as a person writes it. `value` by type: `text` as it is; `ip` one address or several with commas; `u8`, `u16`,
 * `u32` one number or several with commas; `hex` bytes as hex digits. What the server computes itself can not be set (network-rules/options.ts).
 */
export const DhcpOption = Type.Object({
  code: Type.Integer({ minimum: 1, maximum: 254 }),
  type: Type.Union([Type.Literal('text'), Type.Literal('ip'), Type.Literal('u8'), Type.Literal('u16'), Type.Literal('u32'), Type.Literal('hex')]),
  value: Type.String({ maxLength: 2000 }),
  /** Sent to clients that did not ask for it too. */
  always: Type.Optional(Type.Boolean()),
});
export type DhcpOption = Static<typeof DhcpOption>;

/** Which loader firmware gets. `auto`: iPXE, and shim with GRUB where there is no iPXE for it or where Secure Boot was seen. */
export const LoaderChoice = Type.Union([Type.Literal('auto'), Type.Literal('ipxe'), Type.Literal('grub'), Type.Literal('pxelinux')]);
export type LoaderChoice = Static<typeof LoaderChoice>;

/** One host: an address kept for it, and what it is told that others of the network are not. */
export const Reservation = Type.Object({
  mac: MacAddress, address: Ipv4Address, hostname: Type.Optional(Hostname),
  options: Type.Optional(Type.Array(DhcpOption, { maxItems: 64 })), loader: Type.Optional(LoaderChoice),
});
export type Reservation = Static<typeof Reservation>;

/** A static route, option 121 (RFC 3442). */
export const StaticRoute = Type.Object({ destination: Cidr, gateway: Ipv4Address });
export type StaticRoute = Static<typeof StaticRoute>;

/** A menu on the screen of a PXE ROM (option 43, PXE 2.1 §2.4): a person may choose until the time is over. */
export const BootMenu = Type.Object({
  prompt: Type.String({ minLength: 1, maxLength: 60 }),
  /** 0 takes the first entry at once, 255 waits for ever. */
  timeoutSeconds: Type.Integer({ minimum: 0, maximum: 255 }),
  entries: Type.Array(Type.Object({
    text: Type.String({ minLength: 1, maxLength: 60 }),
    boots: Type.Union([Type.Literal('local-disk'), Type.Literal('ipxe'), Type.Literal('grub'), Type.Literal('pxelinux')]),
  }), { minItems: 1, maxItems: 8 }),
});
export type BootMenu = Static<typeof BootMenu>;

/**
 * What a person at the console of a machine nobody knows may boot (iPXE, GRUB and PXELINUX show it). `profile-<id>`: install without being
 * managed; `memory-test`: memtest86+ of the boot assets (amd64); `file-<image id>`: run a file; `netboot-xyz`: that project’s menu, from the Internet.
 */
export const ConsoleChoice = Type.String({ pattern: '^(enlist|local-disk|rescue|memory-test|netboot-xyz|(profile|file)-[a-z0-9]([a-z0-9-]{0,53}[a-z0-9])?)$' });
/** Words that no loader reads as anything else. */
const MenuText = Type.String({ minLength: 1, maxLength: 60, pattern: '^[A-Za-z0-9]([A-Za-z0-9 .,:()/+_]|-(?!-))*$' });
/** As `bootMenu`: the first entry is taken when the time is over; 0 takes it at once, 255 waits for ever. */
export const ConsoleMenu = Type.Object({
  prompt: MenuText, timeoutSeconds: BootMenu.properties.timeoutSeconds,
  entries: Type.Array(Type.Object({ text: MenuText, boots: ConsoleChoice }), { minItems: 1, maxItems: 32 }),
});
export type ConsoleMenu = Static<typeof ConsoleMenu>;

export const Network = Type.Object({
  id: Token,
  rack: RackIdText,
  /** The rack's network device on this network, or the one its relay reaches it by. */
  interface: Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,15}$' }),
  cidr: Cidr,
  mode: NetworkMode,
  /** The rack's own address here: DHCP server id, TFTP server and the base of boot URLs. */
  serverAddress: Ipv4Address,
  /** Where bootfiles answers machines of this network, without a trailing slash. */
  baseUrl: Type.String({ pattern: '^https?://[^/]+$', maxLength: 200 }),
  /** True where the rack is not on the network itself and a relay agent brings its packets. */
  relayed: Type.Boolean(),
  dynamicRanges: Type.Array(AddressRange, { maxItems: 64 }),
  reservations: Type.Array(Reservation, { maxItems: 10_000 }),
  gateway: Type.Union([Ipv4Address, Type.Null()]),
  dnsServers: Type.Array(Ipv4Address, { maxItems: 8 }),
  ntpServers: Type.Array(Ipv4Address, { maxItems: 8 }),
  domain: Type.Union([Type.String({ maxLength: 253 }), Type.Null()]),
  leaseSeconds: DurationSeconds,
  mtu: Type.Union([Type.Integer({ minimum: 576, maximum: 65_535 }), Type.Null()]),
  /** What a machine that nobody knows gets when it boots from the network. */
  unknownMachines: Type.Union([Type.Literal('enlist'), Type.Literal('local-disk'), Type.Literal('ignore'), Type.Literal('menu')]),
  /** What a machine does after it was enlisted. */
  afterEnlist: Type.Union([Type.Literal('poweroff'), Type.Literal('wait')]),
  /** The fabric and VLAN that the network is on (MAAS's words); networks of one VLAN share a wire. Default: fabric-0, untagged. */
  fabric: Type.Optional(Token),
  vlan: Type.Optional(Type.Object({ vid: Type.Integer({ minimum: 0, maximum: 4094 }), name: Type.Optional(Token) })),
  /** False: somebody else hands out the addresses here, Ironbus uses its dynamic and reserved ranges only. Default: true. */
  managed: Type.Optional(Type.Boolean()),
  /** Managed: nobody gets an address of these. Unmanaged: reservations may lie in these only. */
  reservedRanges: Type.Optional(Type.Array(Type.Object({ from: Ipv4Address, to: Ipv4Address, comment: Type.Optional(Type.String({ maxLength: 200 })) }), { maxItems: 64 })),
  searchDomains: Type.Optional(Type.Array(Type.String({ maxLength: 253 }), { maxItems: 16 })),
  staticRoutes: Type.Optional(Type.Array(StaticRoute, { maxItems: 64 })),
  options: Type.Optional(Type.Array(DhcpOption, { maxItems: 64 })),
  loader: Type.Optional(LoaderChoice),
  bootMenu: Type.Optional(Type.Union([BootMenu, Type.Null()])),
  /** Shown where `unknownMachines` is `menu`. Default: local disk, enlist, rescue; ten seconds. */
  consoleMenu: Type.Optional(Type.Union([ConsoleMenu, Type.Null()])),
  /** Authoritative although other DHCP servers answer there. */
  force: Type.Optional(Type.Boolean()),
  /** Whether a free address is probed (ARP on the wire, ICMP behind a relay) before it is first given out. Default: true. */
  probeAddresses: Type.Optional(Type.Boolean()),
});
export type Network = Static<typeof Network>;

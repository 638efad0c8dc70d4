/** A network a rack serves. Owned by api, published through KV; nothing answers on it unless a person chose a `mode`. */
import { Type, type Static } from 'typebox';
import { DurationSeconds, Hostname, Ipv4Address, MacAddress, RackIdText, Token } from './primitives.ts';

export const Cidr = Type.String({ pattern: '^(\\d{1,3}\\.){3}\\d{1,3}/\\d{1,2}$', maxLength: 18 });
export const AddressRange = Type.Object({ from: Ipv4Address, to: Ipv4Address });
export type AddressRange = Static<typeof AddressRange>;
export const NetworkMode = Type.Union([Type.Literal('authoritative'), Type.Literal('proxy'), Type.Literal('off'), Type.Literal('shadow')]);
export type NetworkMode = Static<typeof NetworkMode>;
export const Reservation = Type.Object({ mac: MacAddress, address: Ipv4Address, hostname: Type.Optional(Hostname) });
export type Reservation = Static<typeof Reservation>;

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
  unknownMachines: Type.Union([Type.Literal('enlist'), Type.Literal('local-disk'), Type.Literal('ignore')]),
  /** What a machine does after it was enlisted. */
  afterEnlist: Type.Union([Type.Literal('poweroff'), Type.Literal('wait')]),
});
export type Network = Static<typeof Network>;

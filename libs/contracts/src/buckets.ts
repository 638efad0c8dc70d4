/** Every JetStream key-value bucket: who writes it, what a key is, what a value is. */
import { Type, type Static } from 'typebox';
import { BootPolicy } from './boot-policy.ts';
import { defineBucket } from './define-bucket.ts';
import { ForeignServer } from './events/dhcp.ts';
import { Image } from './image.ts';
import { Network } from './network.ts';
import { Layer, Profile, TemplateSecrets } from './profile.ts';
import { Ipv4Address, IpAddressText, MacAddress, NodeIdText, RackIdText, Timestamp, Token } from './primitives.ts';
import { Sealed } from './sealed.ts';

export const networksBucket = defineBucket({ bucket: 'networks', owner: 'api', key: 'network id', doc: 'Networks and how each is served', value: Network, history: 5 });
export const bootPoliciesBucket = defineBucket({ bucket: 'boot-policies', owner: 'lifecycle', key: 'MAC, twelve hex digits', doc: 'What each MAC of a known machine is answered', value: BootPolicy, history: 5 });
export const imagesBucket = defineBucket({ bucket: 'images', owner: 'api', key: 'image id', doc: 'The image index', value: Image });
export const profilesBucket = defineBucket({ bucket: 'profiles', owner: 'api', key: 'profile id', doc: 'Installer profiles', value: Profile, history: 5 });
export const layersBucket = defineBucket({ bucket: 'layers', owner: 'api', key: 'global, tag-<tag> or machine-<node>', doc: 'Values, snippets and kernel arguments by scope', value: Layer, history: 5 });

export const Rack = Type.Object({
  id: RackIdText, publicKey: Type.String({ maxLength: 64 }), joinedAt: Timestamp,
});
export type Rack = Static<typeof Rack>;
export const racksBucket = defineBucket({ bucket: 'racks', owner: 'api', key: 'rack id', doc: 'Racks and the X25519 key (base64) that secrets are sealed to', value: Rack });

export const SealedBmc = Type.Object({ node: NodeIdText, sealed: Sealed });
export const bmcBucket = defineBucket({ bucket: 'bmc', owner: 'api', key: 'node id', doc: 'BMC parameters, sealed to the rack whose power service uses them', value: SealedBmc });

/** What `bmc` opens to. */
export const BmcParameters = Type.Object({
  type: Type.Literal('ipmi'), address: Type.String({ minLength: 1, maxLength: 253 }), port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  username: Type.String({ maxLength: 64 }), password: Type.String({ maxLength: 64 }),
  cipherSuite: Type.Integer({ minimum: 0, maximum: 255 }), privilege: Type.Union([Type.Literal('USER'), Type.Literal('OPERATOR'), Type.Literal('ADMINISTRATOR')]),
});
export type BmcParameters = Static<typeof BmcParameters>;

export const SealedDeployData = Type.Object({ node: NodeIdText, sealed: Sealed });
export const deployDataBucket = defineBucket({ bucket: 'deploy-data', owner: 'api', key: '<node id>.<request id>', doc: 'User-data of one deployment, sealed to the boot rack', value: SealedDeployData });

/** What `deploy-data` opens to. `userData` is text, as the owner wrote it; `secrets` are for an installer profile’s template. */
export const DeployData = Type.Object({
  userData: Type.Union([Type.String({ maxLength: 262_144 }), Type.Null()]),
  secrets: Type.Optional(TemplateSecrets),
});
export type DeployData = Static<typeof DeployData>;

export const Binding = Type.Object({
  address: IpAddressText, mac: MacAddress, node: Type.Union([NodeIdText, Type.Null()]), network: Type.String(),
  bootId: Type.String(), how: Type.Union([Type.Literal('leased'), Type.Literal('observed'), Type.Literal('arp')]),
  stage: Type.Union([Type.Literal('firmware'), Type.Literal('ipxe'), Type.Literal('os')]), at: Timestamp,
});
export type Binding = Static<typeof Binding>;
export const bindingsBucket = defineBucket({ bucket: 'bindings', owner: 'dhcp', key: '<rack id>.<address>', doc: 'Which machine is behind an address, and in which boot', value: Binding });

/** How one network stands at one dhcp replica. */
export const ServedNetwork = Type.Object({
  network: Token, serverAddress: Ipv4Address,
  /** `probing`: it looks for other servers first; `refused`: it found some and does not answer. */
  state: Type.Union([Type.Literal('authoritative'), Type.Literal('proxy'), Type.Literal('shadow'), Type.Literal('off'), Type.Literal('probing'), Type.Literal('refused'), Type.Literal('no-device')]),
  why: Type.Union([Type.String({ maxLength: 500 }), Type.Null()]),
  others: Type.Array(Type.Object({ ...ForeignServer.properties, seenAt: Timestamp }), { maxItems: 64 }),
});
export type ServedNetwork = Static<typeof ServedNetwork>;
/** One dhcp process. `at` is renewed every few seconds: a replica whose entry is older than 15 s counts as dead. */
export const DhcpServer = Type.Object({
  rack: RackIdText, instance: Type.String({ maxLength: 64 }), startedAt: Timestamp, at: Timestamp,
  /** Made anew at each start: tells two processes apart that were given one instance id by mistake. */
  start: Type.Optional(Type.String({ maxLength: 64 })),
  /** Redis is there: it can give out new leases. */
  storeReady: Type.Boolean(), networks: Type.Array(ServedNetwork, { maxItems: 1024 }),
});
export type DhcpServer = Static<typeof DhcpServer>;
export const dhcpServersBucket = defineBucket({ bucket: 'dhcp-servers', owner: 'dhcp', key: '<rack id>.<instance>', doc: 'The dhcp replicas, and how each network stands at each', value: DhcpServer });

export const buckets = [networksBucket, bootPoliciesBucket, imagesBucket, profilesBucket, layersBucket, racksBucket, bmcBucket, deployDataBucket, bindingsBucket, dhcpServersBucket] as const;

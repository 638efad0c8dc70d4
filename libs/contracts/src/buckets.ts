/** Every JetStream key-value bucket: who writes it, what a key is, what a value is. */
import { Type, type Static } from 'typebox';
import { BootPolicy } from './boot-policy.ts';
import { defineBucket } from './define-bucket.ts';
import { Image } from './image.ts';
import { Network } from './network.ts';
import { IpAddressText, MacAddress, NodeIdText, RackIdText, Timestamp } from './primitives.ts';
import { Sealed } from './sealed.ts';

export const networksBucket = defineBucket({ bucket: 'networks', owner: 'api', key: 'network id', doc: 'Networks and how each is served', value: Network, history: 5 });
export const bootPoliciesBucket = defineBucket({ bucket: 'boot-policies', owner: 'lifecycle', key: 'MAC, twelve hex digits', doc: 'What each MAC of a known machine is answered', value: BootPolicy, history: 5 });
export const imagesBucket = defineBucket({ bucket: 'images', owner: 'api', key: 'image id', doc: 'The image index', value: Image });

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

/** What `deploy-data` opens to. `userData` is text, as the owner wrote it. */
export const DeployData = Type.Object({ userData: Type.Union([Type.String({ maxLength: 262_144 }), Type.Null()]) });
export type DeployData = Static<typeof DeployData>;

export const Binding = Type.Object({
  address: IpAddressText, mac: MacAddress, node: Type.Union([NodeIdText, Type.Null()]), network: Type.String(),
  bootId: Type.String(), how: Type.Union([Type.Literal('leased'), Type.Literal('observed'), Type.Literal('arp')]),
  stage: Type.Union([Type.Literal('firmware'), Type.Literal('ipxe'), Type.Literal('os')]), at: Timestamp,
});
export type Binding = Static<typeof Binding>;
export const bindingsBucket = defineBucket({ bucket: 'bindings', owner: 'dhcp', key: '<rack id>.<address>', doc: 'Which machine is behind an address, and in which boot', value: Binding });

export const buckets = [networksBucket, bootPoliciesBucket, imagesBucket, racksBucket, bmcBucket, deployDataBucket, bindingsBucket] as const;

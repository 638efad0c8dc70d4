import { defineConfig, DurationInSeconds, PortNumber, type ConfigOf } from '@ironbus/runtime';
import { Type } from 'typebox';

export const configSpec = defineConfig({
  prefix: 'DHCP_',
  shared: ['natsServers', 'natsCredsFile', 'redisUrl', 'rackId', 'logLevel', 'healthHost', 'instanceId'],
  fields: {
    port: { env: 'PORT', schema: PortNumber, default: 67, doc: 'UDP port of the server and of relays; clients are answered at the next one.' },
    bootServerPort: { env: 'BOOT_SERVER_PORT', schema: PortNumber, default: 4011, doc: 'UDP port of boot menus, and of boot answers beside a foreign server (PXE 2.1).' },
    offerSeconds: { env: 'OFFER', schema: DurationInSeconds({ minimum: 5, maximum: 600 }), default: 60, doc: 'How long an offered address is kept for its client.' },
    graceSeconds: { env: 'GRACE', schema: DurationInSeconds({ maximum: 604_800 }), default: 1_800, doc: 'How long after its expiry an address goes to nobody else.' },
    quarantineSeconds: { env: 'QUARANTINE', schema: DurationInSeconds({ minimum: 60 }), default: 86_400, doc: 'How long a declined address is not given out.' },
    keptForKnown: { env: 'KEPT_FOR_KNOWN', schema: Type.Integer({ minimum: 0, maximum: 65_536 }), default: 64, doc: 'At most so many addresses of a network (and no more than a sixteenth) go only to machines with a lease, a reservation or a boot policy; 0 keeps none.' },
    healthPort: { env: 'HEALTH_PORT', schema: PortNumber, default: 5261, doc: 'Port of /healthz, /readyz and /metrics; 0 takes any free one.' },
    routerAdvertisements: {
      env: 'ROUTER_ADVERTISEMENTS', schema: Type.Boolean(), default: true,
      doc: 'Answer IPv6 router solicitations of booting machines with an empty advertisement, so that iPXE does not wait 16 s for a router (docs/adr/0003).',
    },
  },
});
export type DhcpConfig = ConfigOf<typeof configSpec>;

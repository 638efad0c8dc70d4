import { defineConfig, DurationInSeconds, PortNumber, type ConfigOf } from '@ironbus/runtime';
import { Type } from 'typebox';
import { defaultLimits, type LimitOptions, type Rate } from './core/limits.ts';

/** Tokens a second and at once. */
const RateText = Type.String({ pattern: '^[1-9][0-9]{0,6}/[1-9][0-9]{0,6}$', description: 'two numbers and a slash, such as 64/4096' });
const rateField = (env: string, { perSecond, burst }: Rate, doc: string) => ({ env, schema: RateText, default: `${perSecond}/${burst}`, doc: `${doc} A second / at once (docs/adr/0011).` });

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
    limitClient: rateField('LIMIT_CLIENT', defaultLimits.client, 'Packets of one MAC.'),
    limitPort: rateField('LIMIT_PORT', defaultLimits.port, 'New MACs behind one port of a relay (option 82).'),
    limitRelay: rateField('LIMIT_RELAY', defaultLimits.relay, 'New MACs behind one relay.'),
    limitDevice: rateField('LIMIT_DEVICE', defaultLimits.device, 'New MACs on a network device.'),
    healthPort: { env: 'HEALTH_PORT', schema: PortNumber, default: 5261, doc: 'Port of /healthz, /readyz and /metrics; 0 takes any free one.' },
    routerAdvertisements: {
      env: 'ROUTER_ADVERTISEMENTS', schema: Type.Boolean(), default: true,
      doc: 'Answer IPv6 router solicitations of booting machines with an empty advertisement, so that iPXE does not wait 16 s for a router (docs/adr/0003).',
    },
  },
});
export type DhcpConfig = ConfigOf<typeof configSpec>;

/** Each rate as numbers; a configuration that was read has no other texts. */
export function limitsOf({ limitClient, limitPort, limitRelay, limitDevice }: Pick<DhcpConfig, 'limitClient' | 'limitPort' | 'limitRelay' | 'limitDevice'>): Omit<LimitOptions, 'seed'> {
  const rate = (text: string): Rate => {
    const [perSecond = 1, burst = 1] = text.split('/').map(Number);
    return { perSecond, burst };
  };
  return { ...defaultLimits, client: rate(limitClient), port: rate(limitPort), relay: rate(limitRelay), device: rate(limitDevice) };
}

/** The configuration files of the NATS and Redis containers, and the first network, as text. Pure. */
import type { Environment } from '@ironbus/runtime';

/**
 * `sync_interval: always`: what JetStream acknowledged is on the disk (docs/adr/0004). A user's permissions come with its JWT in
 * the CONNECT line, which is longer than the 4 KB that nats-server takes unless told.
 */
export const natsConf = (trust: string): string => `server_name: ironbus
listen: "0.0.0.0:4222"
http: "127.0.0.1:8222"
max_payload: 2MB
max_control_line: 64KB
jetstream { store_dir: "/data/jetstream", sync_interval: always, max_memory_store: 64MB }
${trust}
`;

/**
 * Each service is a user that reaches its own keys only. `default` may do everything and nobody is told its password: Redis
 * replays transactions of its append-only file with that user's permissions, and drops what they do not allow (8.0.2, seen).
 * `health` may PING.
 */
export function redisConf(administrator: string, services: Record<string, string>): string {
  const users = Object.entries(services).map(([name, password]) => `user ${name} on >${password} ~${name}:* &${name}:* +@all -@admin -@dangerous +info`);
  return [
    'bind * -::*', 'protected-mode no', 'port 6379', 'dir /data', 'daemonize no', 'appendonly yes', 'appendfsync always', 'save ""', 'maxmemory-policy noeviction',
    `user default on >${administrator} ~* &* +@all`, 'user health on nopass -@all +ping', ...users, '',
  ].join('\n');
}

export type NetworkRead = { ok: true; networks: Record<string, unknown>[] } | { ok: false; faults: string[] };

const variable = (name: string): string => `IRONBUS_NETWORK_${name}`;
const words = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter((word) => word !== '');

/** The network that IRONBUS_NETWORK_… name; none where no interface is named. What the api would refuse is left to it. */
export function networksFrom(env: Environment): NetworkRead {
  const read = (name: string): string | undefined => env[variable(name)]?.trim() || undefined;
  if (read('INTERFACE') === undefined) return { ok: true, networks: [] };
  const missing = ['CIDR', 'ADDRESS'].filter((name) => read(name) === undefined);
  const pools = words(read('POOL')).map((range) => range.split('-'));
  const faults = [
    ...missing.map((name) => `${variable(name)} is not set, but ${variable('INTERFACE')} is`),
    ...pools.filter((range) => range.length !== 2).map((range) => `${variable('POOL')}: ${range.join('-')} is not <first address>-<last address>`),
  ];
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, networks: [{
    id: read('ID') ?? 'lan', interface: read('INTERFACE'), cidr: read('CIDR'), serverAddress: read('ADDRESS'), mode: read('MODE') ?? 'shadow',
    dynamicRanges: pools.map(([from, to]) => ({ from, to })), gateway: read('GATEWAY') ?? null, dnsServers: words(read('DNS')), domain: read('DOMAIN') ?? null,
    ...(read('BASE_URL') !== undefined && { baseUrl: read('BASE_URL') }),
  }] };
}

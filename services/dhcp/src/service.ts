/** Wires the dhcp service: sockets, leases in Redis, bindings and observations on the bus. */
import { ensureTopology, openBus, relayFace, type Bus } from '@ironbus/bus';
import { buckets, catalog, type Mac, type Network } from '@ironbus/contracts';
import { composeParts, createHealth, createPart, retryForever, type Logger, type Part, type Ready, type Service } from '@ironbus/runtime';
import { openStore, startRelay, type Store } from '@ironbus/store';
import { broadcastOf, formatIpv4, parseCidr } from '@ironbus/wire';
import type { DhcpConfig } from './config.ts';
import { Bindings } from './shell/bindings.ts';
import { DeviceKeeper } from './shell/device-keeper.ts';
import { Handler } from './shell/handler.ts';
import { LeaseExpiry } from './shell/lease-expiry.ts';
import { LeaseStore } from './shell/lease-store.ts';
import { Metrics } from './shell/metrics.ts';
import { Networks } from './shell/networks.ts';
import { Observations } from './shell/observations.ts';
import { PowerChanges } from './shell/power-changes.ts';
import { RouterAdvertiser } from './shell/router-advertiser.ts';
import { openDeviceSocket, type DeviceSocket } from './shell/socket.ts';
import { Upkeep } from './shell/upkeep.ts';

export type DhcpService = Service & {
  /** Devices that are listened on now. */
  devices(): string[];
  healthPort(): number;
};

/** `start` returns once the service listens to its networks' buckets; sockets open as soon as those say where. */
export function create(config: DhcpConfig, { log }: { log: Logger }): DhcpService {
  const origin = { service: 'dhcp' as const, rack: config.rackId, instance: config.instanceId };
  const bus = openBus({ servers: config.natsServers, credsFile: config.natsCredsFile, origin, log });
  const store = openStore({ url: config.redisUrl, prefix: 'dhcp', log });
  const health = createHealth({ host: config.healthHost, port: config.healthPort, log });
  const leases = new LeaseStore(store, origin, { offerMs: config.offerSeconds * 1_000, graceMs: config.graceSeconds * 1_000, quarantineMs: config.quarantineSeconds * 1_000 });
  const networks = new Networks({ bus, log, onNetworks: () => { void sockets.sync(); void routers.sync(); } });
  const bindings = new Bindings(bus, log);
  const power = new PowerChanges(bus, networks.policies);
  const metrics: Metrics = new Metrics(health.metrics, { underWay: () => handler.underWay, knownLeases: () => leases.memory.size });
  const now = (): number => Date.now();
  const handler: Handler = new Handler({
    networks, leases, bindings, observations: new Observations(bus), metrics, log, now,
    ports: { server: config.port, client: config.port + 1 },
    send: (device, bytes, to, network) => sendFrom(sockets, log, { device, bytes, to, network }),
    powerChangedAtMs: (mac: Mac) => power.changedAtMs(mac),
  });
  const sockets: DeviceKeeper<DeviceSocket> = new DeviceKeeper({
    what: `UDP port ${config.port}`, log, wanted: () => networks.devices(),
    open: (device, { others }) => openDeviceSocket({
      device, port: config.port, others: others > 0, onPacket: (received) => { void handler.handle(received); },
      onError: (error) => log.warn({ device, err: error }, 'socket error'),
    }),
  });
  const routers: DeviceKeeper<RouterAdvertiser> = new DeviceKeeper({
    what: 'IPv6 router solicitations', log, wanted: () => config.routerAdvertisements ? networks.answeredLinks() : new Set<string>(),
    open: (device, { index, signal }) => RouterAdvertiser.open({ device, index, log, now }, signal),
  });
  const upkeep = new Upkeep({ store, leases, expiry: new LeaseExpiry(store, leases, origin), networks, bindings, log, now });

  health.check('nats', () => bus.ready());
  health.check('redis', () => describeStore(store));
  health.check('networks', () => networks.heard() ? { ready: true } : { ready: false, why: 'the networks and boot policies were not heard yet' });
  health.check('sockets', () => describeSockets(sockets));

  const service = composeParts(log, [
    createPart({ name: 'nats', stop: () => bus.close() }),
    createPart({ name: 'redis', stop: () => store.close() }),
    { name: 'health', start: health.start, stop: health.stop },
    topologyPart(bus, log),
    relayPart(store, bus, log),
    createPart({ name: 'bindings', stop: () => bindings.stop() }),
    createPart({ name: 'upkeep', start: () => upkeep.start(), stop: () => upkeep.stop() }),
    createPart({ name: 'router advertisements', start: () => routers.start(), stop: () => routers.stop() }),
    createPart({ name: 'sockets', start: () => sockets.start(), stop: () => sockets.stop() }),
  ]);
  return { ...service, devices: () => sockets.devices(), healthPort: health.port };
}

/** In the background: a rack that starts without NATS waits for it with its sockets ready. */
function topologyPart(bus: Bus, log: Logger): Part {
  const stopper = new AbortController();
  return createPart({
    name: 'topology',
    start: () => {
      void retryForever(log, 'streams and buckets', () => ensureTopology(bus, { catalog, buckets }), { signal: stopper.signal })
        .catch((error: unknown) => { if (!stopper.signal.aborted) throw error; });
    },
    stop: () => stopper.abort(new Error('the service stops')),
  });
}

function relayPart(store: Store, bus: Bus, log: Logger): Part {
  let relay: ReturnType<typeof startRelay> | undefined;
  return createPart({
    name: 'relay',
    start: () => { relay = startRelay({ store, bus: relayFace(bus, buckets), log }); },
    stop: async () => { await relay?.stop(); },
  });
}

type Outgoing = { device: string; bytes: Uint8Array; to: { address: string; port: number }; network: Network };

/** An answer whose device went away meanwhile is dropped: the client asks again. */
function sendFrom(sockets: DeviceKeeper<DeviceSocket>, log: Logger, { device, bytes, to, network }: Outgoing): void {
  const socket = sockets.get(device);
  if (socket === undefined) return log.debug({ device }, 'answer dropped: the device is gone');
  const prefix = parseCidr(network.cidr);
  const directed = !socket.boundToDevice && to.address === '255.255.255.255' && prefix !== undefined;
  socket.send(bytes, to.port, directed ? formatIpv4(broadcastOf(prefix)) : to.address, (error) => {
    if (error !== null) log.warn({ device, to: to.address, reason: error.message }, 'answer could not be sent');
  });
}

function describeStore(store: Store): Ready {
  const state = store.ready();
  return state.ready ? state : { ready: false, why: `${state.why}: known leases are extended from memory, new ones are refused` };
}

function describeSockets(sockets: DeviceKeeper<DeviceSocket>): Ready {
  const failures = [...sockets.failures()].map(([device, why]) => `${device}: ${why}`);
  return failures.length === 0 ? { ready: true } : { ready: false, why: failures.join('; ') };
}

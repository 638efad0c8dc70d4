/** Wires the dhcp service: sockets, leases in Redis, bindings and observations on the bus. */
import { randomInt } from 'node:crypto';
import { ensureTopology, openBus, relayFace, type Bus } from '@ironbus/bus';
import { buckets, catalog, type Mac } from '@ironbus/contracts';
import { composeParts, createHealth, createPart, retryForever, systemClock, type Logger, type Part, type Ready, type Service } from '@ironbus/runtime';
import { openStore, startRelay, type Store } from '@ironbus/store';
import { limitsOf, type DhcpConfig } from './config.ts';
import { Limits } from './core/limits.ts';
import { LoaderTries } from './core/loader-tries.ts';
import { Unanswered } from './core/unanswered.ts';
import { Answerer } from './shell/answerer.ts';
import { Bindings } from './shell/bindings.ts';
import { BootAnswerer } from './shell/boot-answerer.ts';
import { BootPace } from './shell/boot-pace.ts';
import { DeviceKeeper } from './shell/device-keeper.ts';
import { FloodReport } from './shell/flood-report.ts';
import { Handler, type HandlerParts } from './shell/handler.ts';
import { Lan } from './shell/lan.ts';
import { LeaseExpiry } from './shell/lease-expiry.ts';
import { LeaseStore } from './shell/lease-store.ts';
import { Metrics } from './shell/metrics.ts';
import { Networks } from './shell/networks.ts';
import { Observations } from './shell/observations.ts';
import { PowerChanges } from './shell/power-changes.ts';
import { RouterAdvertiser } from './shell/router-advertiser.ts';
import { makeSend } from './shell/send.ts';
import { openDeviceSocket, type DeviceSocket, type Received } from './shell/socket.ts';
import { StoreWatch } from './shell/store-watch.ts';
import { Upkeep } from './shell/upkeep.ts';

export type DhcpService = Service & {
  /** Devices that are listened on now. */
  devices(): string[];
  /** Whether packets of a network are answered now. */
  answers(network: string): boolean;
  healthPort(): number;
};

/** `start` returns once the service listens to its networks' buckets; sockets open as soon as those say where. */
export function create(config: DhcpConfig, { log }: { log: Logger }): DhcpService {
  const origin = { service: 'dhcp' as const, rack: config.rackId, instance: config.instanceId };
  const bus = openBus({ servers: config.natsServers, credsFile: config.natsCredsFile, origin, log });
  const store = openStore({ url: config.redisUrl, prefix: 'dhcp', log });
  const health = createHealth({ host: config.healthHost, port: config.healthPort, log });
  const now = (): number => Date.now();
  const networks = new Networks({ bus, log, onNetworks: () => { lan.sync(); openDevices(); } });
  const storeWatch: StoreWatch = new StoreWatch({ bus, log, ready: () => store.ready(), knownLeases: () => leases.memory.size, nowMs: () => performance.now() });
  const lan: Lan = new Lan({ bus, origin, networks, store: storeWatch, log, now, onStanding: () => openDevices() });
  const rules = {
    offerMs: config.offerSeconds * 1_000, graceMs: config.graceSeconds * 1_000, quarantineMs: config.quarantineSeconds * 1_000, keptForKnown: config.keptForKnown,
  };
  const leases: LeaseStore = new LeaseStore({
    store, origin, rules, log, isAlone: (network) => bus.ready().ready && lan.isAlone(network), probe: (network, addresses) => lan.probeAddresses(network, addresses), onConflict: (conflict) => lan.tellConflict(conflict),
  });
  const bindings = new Bindings(bus, log);
  const floods = new FloodReport({ bus, registry: health.metrics, clock: systemClock });
  const pace = new BootPace();
  const metrics: Metrics = new Metrics(health.metrics, { underWay: () => handler.underWay, waiting: () => pace.waiting, knownLeases: () => leases.memory.size });
  const handler = makeHandler({ config, bus, networks, leases, lan, store: storeWatch, metrics, log, now, floods, pace, bindings, sockets: () => sockets, bootSockets: () => bootSockets });
  const socketsOn = (port: number, role: Received['port'], wanted: () => ReadonlySet<string>) => new DeviceKeeper<DeviceSocket>({
    what: `UDP port ${port}`, log, wanted,
    open: (device, { others }) => openDeviceSocket({
      device, port, role, others: others > 0, onPacket: (received) => { void handler.handle(received); }, onError: (error) => log.warn({ device, err: error }, 'socket error'),
    }),
  });
  const sockets = socketsOn(config.port, 67, () => networks.devices());
  const bootSockets = socketsOn(config.bootServerPort, 4011, () => networks.bootServerDevices());
  const routers: DeviceKeeper<RouterAdvertiser> = new DeviceKeeper({
    what: 'IPv6 router solicitations', log, wanted: () => config.routerAdvertisements ? networks.answeredLinks((network) => lan.gate.answers(network)) : new Set<string>(),
    open: (device, { index, signal }) => RouterAdvertiser.open({ device, index, log, now }, signal),
  });
  const keepers = { sockets, 'boot server sockets': bootSockets, 'router advertisements': routers };
  const openDevices = (): void => { for (const keeper of Object.values(keepers)) void keeper.sync(); };
  const upkeep = new Upkeep({ store, leases, expiry: new LeaseExpiry(store, leases, origin), networks, bindings, log, now, answers: (network) => lan.gate.answers(network) });

  health.check('nats', () => bus.ready());
  health.check('redis', () => storeWatch.health());
  health.check('networks', () => networks.heard() ? { ready: true } : { ready: false, why: 'the networks and boot policies were not heard yet' });
  health.check('sockets', () => describeSockets([sockets, bootSockets]));
  lan.health(health);

  const service = composeParts(log, [
    createPart({ name: 'nats', stop: () => bus.close() }),
    createPart({ name: 'redis', stop: () => store.close() }),
    { name: 'health', start: health.start, stop: health.stop },
    topologyPart(bus, log),
    relayPart(store, bus, log),
    createPart({ name: 'bindings', stop: () => bindings.stop() }),
    createPart({ name: 'upkeep', start: () => upkeep.start(), stop: () => upkeep.stop() }),
    lan.part(),
    createPart({ name: 'flood report', stop: () => floods.stop() }),
    createPart({ name: 'boot queue', stop: () => pace.stop() }),
    ...Object.entries(keepers).map(([name, keeper]) => createPart({ name, start: () => keeper.start(), stop: () => keeper.stop() })),
  ]);
  return { ...service, devices: () => sockets.devices(), answers: (network) => answersNow(lan, networks, network), healthPort: health.port };
}

type Made = Pick<HandlerParts, 'networks' | 'leases' | 'lan' | 'store' | 'metrics' | 'log' | 'now' | 'floods' | 'pace'> & {
  config: DhcpConfig; bus: Bus; bindings: Bindings; sockets: () => DeviceKeeper<DeviceSocket>; bootSockets: () => DeviceKeeper<DeviceSocket>;
};

function makeHandler(made: Made): Handler {
  const { config, bus, networks, leases, store, metrics, log, now, bindings } = made;
  const observations = new Observations(bus, { now, onShed: () => metrics.shed() });
  const tries = new LoaderTries();
  const power = new PowerChanges(bus, networks.policies);
  const parts = {
    bindings, observations, metrics, log, tries, ports: { server: config.port, client: config.port + 1 },
    send: makeSend({ 67: made.sockets, 4011: made.bootSockets }, log), powerChangedAtMs: (mac: Mac) => power.changedAtMs(mac),
  };
  const answerer = new Answerer({ ...parts, leases, store });
  const bootAnswerer = new BootAnswerer({ ...parts, ignore: (packet, reason) => answerer.ignore(packet, reason) });
  const limits = new Limits({ ...limitsOf(config), seed: randomInt(2 ** 32) });
  const { lan, floods, pace } = made;
  return new Handler({ networks, leases, lan, store, metrics, log, now, floods, tries, limits, unanswered: new Unanswered(), answerer, bootAnswerer, pace, send: parts.send });
}

function answersNow(lan: Lan, networks: Networks, id: string): boolean {
  const network = networks.list().find((each) => each.id === id);
  return network !== undefined && lan.gate.answers(network);
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

function describeSockets(keepers: readonly DeviceKeeper<DeviceSocket>[]): Ready {
  const failures = keepers.flatMap((keeper) => [...keeper.failures()]).map(([device, why]) => `${device}: ${why}`);
  return failures.length === 0 ? { ready: true } : { ready: false, why: failures.join('; ') };
}

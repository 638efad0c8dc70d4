/** Wires bootfiles: watches in, HTTP out, ledger and outbox in Redis. It is up without NATS and Redis; they come when they come. */
import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ensureTopology, openBus, relayFace, type Bus } from '@ironbus/bus';
import { buckets, catalog } from '@ironbus/contracts';
import { composeParts, createHealth, createLogger, createPart, retryForever, type Health, type Logger, type Service } from '@ironbus/runtime';
import { openStore, startRelay, type Relay } from '@ironbus/store';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { BootfilesConfig } from './config.ts';
import { neededImages } from './core/plan.ts';
import { acceptAll } from './shell/accept-all.ts';
import { openAssets } from './shell/assets.ts';
import { ImageCache } from './shell/image-cache.ts';
import { openImageFiles } from './shell/image-files.ts';
import { openLedgers } from './shell/ledgers.ts';
import { whyNoNative } from './shell/native.ts';
import { createServer, listen } from './shell/server.ts';
import { openTrees } from './shell/trees.ts';
import { openViews, type Views } from './shell/views.ts';

export type Kit = { log?: Logger };
export type Bootfiles = Service & {
  /** The port that is listened on; 0 before start. */
  port(): number;
  readonly health: Health;
};

export function create(config: BootfilesConfig, kit: Kit = {}): Bootfiles {
  const log = kit.log ?? createLogger({ svc: 'bootfiles', level: config.logLevel, rack: config.rackId });
  const origin = { service: 'bootfiles' as const, rack: config.rackId, instance: config.instanceId };
  const bus = openBus({ servers: config.natsServers, credsFile: config.natsCredsFile, origin, log });
  const store = openStore({ url: config.redisUrl, prefix: 'bootfiles', log });
  const health = createHealth({ host: config.healthHost, port: config.healthPort, log });
  const views = openViews(bus, () => images.kick());
  const images: ImageCache = new ImageCache({
    files: openImageFiles(config.imageDir, config.sharedImageDir), regionUrl: config.regionUrl, regionKey: config.regionKey, log,
    index: () => [...views.images.entries()].map(([, image]) => image), heard: views.heard, needed: () => neededImages([...views.policies.entries()].map(([, policy]) => policy)),
  });
  const stopping = new AbortController();
  let relay: Relay | undefined;
  let app: FastifyInstance | undefined;
  const service = composeParts(log, [
    createPart({ name: 'nats', stop: () => bus.close() }),
    createPart({ name: 'redis', stop: () => store.close() }),
    createPart({ name: 'health', start: () => { addChecks(health, { bus, store, views }); return health.start(); }, stop: health.stop }),
    createPart({ name: 'relay', start: () => { relay = startRelay({ store, bus: relayFace(bus, buckets), log }); }, stop: () => relay?.stop() }),
    createPart({ name: 'topology', start: () => prepareInBackground({ bus, log, signal: stopping.signal }), stop: () => stopping.abort(new Error('stopping')) }),
    createPart({ name: 'images', start: () => images.start(), stop: () => images.stop() }),
    createPart({
      name: 'views',
      start: () => {
        views.whenHeard().then(() => onHeard(images, { views, config, log })).catch((error: unknown) => log.error({ err: error }, 'the rack’s key is not readable'));
      },
      stop: views.stop,
    }),
    createPart({
      name: 'http',
      start: async () => {
        app = createServer({ config, log, bus, views, images, ledgers: openLedgers(store, origin), assets: await openAssets(config.assetsDir), trees: openTrees() });
        await listen(app, config.host, config.port);
        acceptAll(app.server);
        if (whyNoNative !== undefined) log.info({ reason: whyNoNative }, 'files go out without sendfile, and connections are taken one in each turn: koffi or libc can not be used');
      },
      stop: () => app?.close(),
    }),
  ]);
  return { ...service, health, port: () => (app?.server.address() as AddressInfo | null | undefined)?.port ?? 0 };
}

type Checked = { bus: Bus; store: { ready(): ReturnType<Bus['ready']> }; views: Views };

function addChecks(health: Health, { bus, store, views }: Checked): void {
  health.check('nats', () => bus.ready());
  health.check('redis', () => store.ready());
  health.check('region', () => views.heard() ? { ready: true } : { ready: false, why: 'the buckets have not been read in full yet' });
}

type Preparing = { bus: Bus; log: Logger; signal: AbortSignal };

/** Streams and buckets are made by whoever comes first. */
function prepareInBackground({ bus, log, signal }: Preparing): void {
  retryForever(log, 'streams and buckets', () => ensureTopology(bus, { catalog, buckets }), { signal })
    .catch((error: unknown) => { if (!signal.aborted) log.error({ err: error }, 'streams and buckets could not be prepared'); });
}

/** Now it is known which images are wanted, and which key user-data is sealed to: with another one it can not be opened. */
async function onHeard(images: ImageCache, { views, config, log }: { views: Views; config: BootfilesConfig; log: Logger }): Promise<void> {
  images.kick();
  const registered = views.racks.get(config.rackId)?.publicKey;
  if (registered === undefined || registered === await readPublicKey(config.rackKeyFile)) return;
  log.warn({ rackKeyFile: config.rackKeyFile }, 'the rack’s key is not the one it joined with: user-data can not be opened');
}

async function readPublicKey(path: string): Promise<string | undefined> {
  const pem = await readFile(path, 'utf8').catch(() => undefined);
  return pem === undefined ? undefined : Buffer.from(createPublicKey(pem).export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
}

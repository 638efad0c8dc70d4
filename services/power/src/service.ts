/** Wires the power service of one rack. */
import { readFile } from 'node:fs/promises';
import { openBus, type Subscription } from '@ironbus/bus';
import { bmcBucket, bootPoliciesBucket, IronbusError, powerRequested, readEvent, regionToken } from '@ironbus/contracts';
import { composeParts, createHealth, createPart, type Logger, type Service } from '@ironbus/runtime';
import { openStore } from '@ironbus/store';
import type { PowerConfig } from './config.ts';
import { applyRequest } from './manifest.ts';
import { openIpmitool } from './shell/ipmitool.ts';
import { createKnown } from './shell/known.ts';
import { createNewest } from './shell/newest.ts';
import { onPowerRequested, type Hands } from './shell/on-power-requested.ts';
import { parametersFrom } from './shell/parameters.ts';
import { pollForEver } from './shell/poll.ts';

export function create(config: PowerConfig, { log }: { log: Logger }): Service {
  const bus = openBus({ servers: config.natsServers, credsFile: config.natsCredsFile, origin: { service: 'power', rack: config.rackId, instance: config.instanceId }, log });
  const store = openStore({ url: config.redisUrl, prefix: 'power', log });
  const bmcs = bus.watch(bmcBucket);
  const policies = bus.watch(bootPoliciesBucket);
  const health = createHealth({ host: config.healthHost, port: config.healthPort, log });
  health.check('nats', () => bus.ready());
  health.check('redis', () => store.ready());
  health.check('bmc parameters', () => bmcs.synced() ? { ready: true } : { ready: false, why: 'the bucket bmc was not read yet' });
  const stopping = new AbortController();
  const newest = createNewest();
  let requests: Subscription | undefined;
  let polling: Promise<void> = Promise.resolve();

  async function start(): Promise<void> {
    const hands: Hands = {
      config, log, bus, run: openIpmitool(config.ipmitool), parameters: parametersFrom(bmcs, await rackKey(config.rackKeyFile)),
      known: createKnown(store), newest, policiesReached: (revision) => policies.reached(revision), stopping: stopping.signal,
    };
    bus.tail(`${powerRequested.type}.${regionToken}.*`, (event) => {
      const read = readEvent([powerRequested], event);
      if (read.ok) newest.hear(read.event);
    });
    requests = bus.consume({
      durable: `${applyRequest.durable}-${config.rackId}`, definitions: applyRequest.events, ackWaitMs: 60_000, concurrency: 64,
      handler: async (event) => { await bmcs.whenSynced(); await onPowerRequested(hands, event); },
    });
    polling = pollForEver(hands, bmcs);
  }

  return composeParts(log, [
    createPart({ name: 'nats', stop: () => bus.close() }),
    createPart({ name: 'redis', stop: () => store.close() }),
    { name: 'health', start: health.start, stop: health.stop },
    createPart({ name: 'power', start, stop: async () => { stopping.abort(); await requests?.stop(); await polling; } }),
  ]);
}

async function rackKey(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new IronbusError('CONFIG_INVALID', `the rack's key ${file} can not be read: join the rack first with "ironbus rack join", or set POWER_RACK_KEY_FILE`, { cause });
  }
}

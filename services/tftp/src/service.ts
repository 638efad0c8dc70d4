/** Wires the TFTP service of one rack: files from the assets, texts from bootfiles, askers named by bindings, everything seen published. */
import { openBus, type Bus, type View } from '@ironbus/bus';
import { bindingsBucket, macToken, tftpCompleted, tftpFailed, tftpRefused, tftpRrq, type IpAddress } from '@ironbus/contracts';
import { composeParts, createHealth, createPart, type Logger, type Service } from '@ironbus/runtime';
import type { TftpConfig } from './config.ts';
import { openFiles } from './shell/files.ts';
import { createTftpServer, type TftpServer, type Watcher } from './shell/server.ts';
import { openVirtual } from './shell/virtual.ts';

/** `port` is the UDP port requests are heard on, `running` the number of transfers going on. */
export type TftpService = Service & { port(): number; running(): number };

export function create(config: TftpConfig, { log }: { log: Logger }): TftpService {
  const bus = openBus({ servers: config.natsServers, credsFile: config.natsCredsFile, origin: { service: 'tftp', rack: config.rackId, instance: config.instanceId }, log });
  const bindings = bus.watch(bindingsBucket);
  const health = createHealth({ host: config.healthHost, port: config.healthPort, log });
  health.check('nats', () => bus.ready());
  const virtual = openVirtual({ url: config.bootfilesUrl, timeoutMs: config.bootfilesTimeoutMs, log });
  let server: TftpServer | undefined;
  const service = composeParts(log, [
    createPart({ name: 'nats', stop: () => bus.close() }),
    createPart({ name: 'bootfiles', stop: () => virtual.close() }),
    { name: 'health', start: health.start, stop: health.stop },
    createPart({
      name: 'tftp',
      start: async () => {
        server = createTftpServer({ config, files: await openFiles(config.assetsDir), virtual, watcher: watch(bus, bindings, config.rackId), log });
        await server.start();
        log.info({ port: server.port(), singlePort: config.singlePort, bootfiles: config.bootfilesUrl }, 'tftp listening');
      },
      stop: async () => { await server?.stop(); },
    }),
  ]);
  return { ...service, port: () => server?.port() ?? 0, running: () => server?.running() ?? 0 };
}

/** Publishes what happens; an asker without a binding is keyed by its address. */
function watch(bus: Bus, bindings: View<typeof bindingsBucket>, rack: string): Watcher {
  const asker = (address: string) => {
    const binding = bindings.get(`${rack}.${address}`);
    const key = binding === undefined ? address.replaceAll('.', '-') : macToken(binding.mac);
    return { key, nodeid: binding?.node ?? undefined, bootid: binding?.bootId, address: address as IpAddress, mac: binding?.mac ?? null };
  };
  const said = (address: string, file: string) => {
    const { key, nodeid, bootid, ...who } = asker(address);
    return { draft: { key, nodeid, bootid }, data: { ...who, file: file.slice(0, 512) } };
  };
  return {
    asked(address, request) {
      const { draft, data } = said(address, request.file);
      bus.observe(tftpRrq, { ...draft, data: { ...data, mode: request.mode, options: Object.fromEntries(request.options.map(({ name, value }) => [name, value])) } });
    },
    refused(address, file, reason) {
      const { draft, data } = said(address, file);
      bus.observe(tftpRefused, { ...draft, data: { ...data, reason } });
    },
    ended(address, { file, ...figures }, how) {
      const { draft, data } = said(address, file);
      if (how.ok) bus.observe(tftpCompleted, { ...draft, data: { ...data, ...figures, bytes: how.bytes, retransmitted: how.retransmitted } });
      else bus.observe(tftpFailed, { ...draft, data: { ...data, reason: how.message === undefined ? how.reason : `${how.reason}: ${how.message}`, bytes: how.bytes } });
    },
  };
}

/** The power service of one rack on real NATS and Redis, with what region services would do beside it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import { bmcBucket, bootPoliciesBucket, buckets, catalog, powerRequested, type BmcParameters, type DataOf, type Event, type NodeId, type RackId, type ServiceName } from '@ironbus/contracts';
import { createLogger, generateRackKey, readConfig, seal, type Service } from '@ironbus/runtime';
import { startNats, startRedis, waitFor } from '@ironbus/testkit';
import { configSpec } from '../config.ts';
import { create } from '../service.ts';
import { password, user } from './machine.ts';

type Request = Partial<DataOf<typeof powerRequested>> & Pick<DataOf<typeof powerRequested>, 'action'>;
export type Rack = AsyncDisposable & {
  readonly nats: Awaited<ReturnType<typeof startNats>>; readonly redis: Awaited<ReturnType<typeof startRedis>>; readonly lifecycle: Bus;
  readonly events: Event[];
  /** Sets a node's BMC to a loopback port. */
  configure(node: string, bmc: Partial<BmcParameters>, sealedWith?: string): Promise<void>;
  /** Publishes `power.requested`, once NATS is there; the sequence counts up unless told. */
  ask(node: string, request: Request): Promise<Event>;
  /** The answer to that sequence. */
  answer(node: string, sequence: number, timeoutMs?: number): Promise<Event>;
  /** Both in one. */
  switched(node: string, request: Request, timeoutMs?: number): Promise<Event>;
  answers(node: string): Event[];
  putPolicy(node: string): Promise<number>;
  restart(env?: Record<string, string>): Promise<void>;
  stopService(): Promise<void>;
  /** Every argv that ipmitool was started with, as /proc said it. */
  argvs(): Promise<string>;
};

const key = generateRackKey();
const quick = { POWER_POLL_SECONDS: '0', POWER_CONFIRM_SECONDS: '2', POWER_SOFT_SECONDS: '2', POWER_ATTEMPTS: '2' };

/** Records its own /proc entry, then becomes ipmitool. */
const wrapper = (dir: string): string => `#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline >> ${dir}/argv\necho >> ${dir}/argv\nexec ipmitool "$@"\n`;

export async function startRack(env: Record<string, string> = {}): Promise<Rack> {
  const dir = await mkdtemp(join(tmpdir(), 'ironbus-power-'));
  const [nats, redis] = await Promise.all([startNats(), startRedis()]);
  await writeFile(join(dir, 'rack.key'), key.privateKeyPem, { mode: 0o600 });
  await writeFile(join(dir, 'ipmitool'), wrapper(dir), { mode: 0o755 });
  const [lifecycle, api] = [openTestBus(nats.url, 'lifecycle'), openTestBus(nats.url, 'api')];
  await ensureTopology(api, { catalog, buckets });
  const events: Event[] = [];
  api.history({ stream: 'FACTS', subjects: ['power.*.rack1.*'] }, (event) => void events.push(event));
  const base = { ...quick, NATS_URL: nats.url, REDIS_URL: redis.url, POWER_RACK_KEY_FILE: join(dir, 'rack.key'), POWER_IPMITOOL: join(dir, 'ipmitool'), ...env };
  let service: Service | undefined = await startService(base);
  const sequences = new Map<string, number>();
  const answers = (node: string): Event[] => events.filter((event) => event.subject === node);
  const rack: Rack = {
    nats, redis, lifecycle, events, answers,
    configure: (node, bmc, publicKey = key.publicKey) => configure(api, node, bmc, publicKey),
    async ask(node, request) {
      const sequence = request.sequence ?? (sequences.get(node) ?? 0) + 1;
      sequences.set(node, Math.max(sequence, sequences.get(node) ?? 0));
      const data = { rack: 'rack1', bootDevice: 'unchanged' as const, type: 'ipmi' as const, firmware: null, attempt: null, ...request, sequence };
      await lifecycle.whenReady();
      await lifecycle.publish(powerRequested, { key: node, nodeid: node, data });
      return { subject: node, data } as unknown as Event;
    },
    answer: (node, sequence, timeoutMs = 15_000) => waitFor(() => answers(node).find((event) => (event.data as { sequence: number }).sequence === sequence), { timeoutMs, what: `answer to ${node} ${sequence}` }),
    async switched(node, request, timeoutMs) {
      const { data } = await rack.ask(node, request);
      return rack.answer(node, (data as { sequence: number }).sequence, timeoutMs);
    },
    putPolicy: (node) => lifecycle.kv(bootPoliciesBucket).put('525400770001', policyOf(node)),
    async restart(more = {}) { await rack.stopService(); service = await startService({ ...base, ...more }); },
    async stopService() { await service?.stop(); service = undefined; },
    argvs: () => readFile(join(dir, 'argv'), 'utf8'),
    [Symbol.asyncDispose]: async () => {
      await rack.stopService();
      await Promise.all([lifecycle.close(), api.close()]);
      await Promise.all([nats.stop(), redis.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
  return rack;
}

async function configure(api: Bus, node: string, bmc: Partial<BmcParameters>, publicKey: string): Promise<void> {
  const parameters: BmcParameters = { type: 'ipmi', address: '127.0.0.1', port: 623, username: user, password, cipherSuite: 3, privilege: 'ADMINISTRATOR', ...bmc };
  await api.kv(bmcBucket).put(node, { node: node as NodeId, sealed: seal(publicKey, 'rack1' as RackId, `bmc/${node}`, parameters) });
}

const policyOf = (node: string) => ({
  node: node as NodeId, mac: '52:54:00:77:00:01', version: 1, status: 'Commissioning' as const, hostname: 'm1', answer: 'hold' as const, why: 'test',
  operation: null, reservedAddress: null, bootPath: 0, kernelArguments: '',
} as never);

async function startService(env: Record<string, string>): Promise<Service> {
  const read = readConfig(configSpec, { POWER_HEALTH_PORT: '0', LOG_LEVEL: 'fatal', ...env });
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  const service = create(read.config, { log: createLogger({ svc: 'power', level: 'fatal', rack: 'rack1' }) });
  await service.start();
  return service;
}

function openTestBus(url: string, service: ServiceName): Bus {
  return openBus({ servers: url, origin: { service, rack: 'rack1', instance: 'test' }, log: createLogger({ svc: service, level: 'fatal', rack: 'rack1' }) });
}

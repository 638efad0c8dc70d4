/** A whole region for tests: real NATS and Redis, the api as a person starts it, and a lifecycle that answers as told. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { openBus, react, type Bus } from '@ironbus/bus';
import {
  macToken, nodeDiscovered, nodeRemoved, nodeRequestRefused, nodeRequests, nodeTransitioned, nodeUpdated,
  type DataOf, type Event, type Mac, type Node, type NodeId, type RackId, type Status,
} from '@ironbus/contracts';
import { createLogger, readConfig, type Service } from '@ironbus/runtime';
import { freePort, startNats, startRedis, waitFor } from '@ironbus/testkit';
import { configSpec, create } from '../index.ts';

type NatsServer = Awaited<ReturnType<typeof startNats>>;
type RedisServer = Awaited<ReturnType<typeof startRedis>>;
export type Region = Awaited<ReturnType<typeof startRegion>>;
export type Answer = { status: number; body: Record<string, unknown>; text: string; headers: Headers };

export const silent = createLogger({ svc: 'test', level: 'silent' });

/** `env` is added to what the servers need. Without `servers` both are started here. */
export async function startRegion({ env = {}, servers }: { env?: Record<string, string>; servers?: { nats: NatsServer; redis: RedisServer } } = {}) {
  const [nats, redis] = servers === undefined ? await Promise.all([startNats(), startRedis()]) : [servers.nats, servers.redis];
  const dataDir = await mkdtemp(join(tmpdir(), 'ironbus-api-'));
  const region = await openRegion({ nats, redis, dataDir, env });
  const stop = async (): Promise<void> => {
    await region.stopApi();
    if (servers === undefined) await Promise.all([nats.stop(), redis.stop()]);
    await rm(dataDir, { recursive: true, force: true });
  };
  return Object.assign(region, { stop, [Symbol.asyncDispose]: stop });
}

type Place = { nats: NatsServer; redis: RedisServer; dataDir: string; env: Record<string, string> };

async function openRegion({ nats, redis, dataDir, env }: Place) {
  const ports = { api: await freePort(), health: await freePort() };
  const url = `http://127.0.0.1:${ports.api}`;
  const logged: string[] = [];
  const printed: string[] = [];
  const log = createLogger({ svc: 'api', level: 'trace' }, new Writable({ write: (chunk: Buffer, _encoding, done) => { logged.push(chunk.toString()); done(); } }));
  let service: Service | undefined;
  const startApi = async (more: Record<string, string> = {}): Promise<void> => {
    const read = readConfig(configSpec, {
      NATS_URL: nats.url, REDIS_URL: redis.url, API_HOST: '127.0.0.1', API_PORT: String(ports.api), API_HEALTH_PORT: String(ports.health),
      API_DATA_DIR: dataDir, API_WAIT_SECONDS: '2', INSTANCE_ID: 'api-1', ...env, ...more,
    });
    assert.ok(read.ok, JSON.stringify(read));
    service = create(read.config, { log, printOnce: (text) => { printed.push(text); } });
    await service.start();
  };
  const stopApi = async (): Promise<void> => { await service?.stop(); service = undefined; };
  const firstKey = (): string => printed.join('').match(/ib_[A-Za-z0-9_-]{43}/)?.[0] ?? '';
  return { nats, redis, dataDir, url, healthUrl: `http://127.0.0.1:${ports.health}`, logged, printed, startApi, stopApi, firstKey, call: caller(url, firstKey) };
}

type Call = { key?: string | null; body?: unknown; headers?: Record<string, string> };

/** One call with the administrator's key, unless another or none (null) is given. A plain body is sent as JSON. */
function caller(url: string, firstKey: () => string) {
  return async (method: string, path: string, { key = firstKey(), body, headers = {} }: Call = {}): Promise<Answer> => {
    const binary = body instanceof Uint8Array || body instanceof ReadableStream;
    const response = await fetch(`${url}${path}`, {
      method, headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...(body !== undefined && { 'content-type': binary ? 'application/octet-stream' : 'application/json' }), ...headers },
      ...(body !== undefined && { body: binary ? body : JSON.stringify(body), duplex: 'half' }),
    } as RequestInit);
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: json && text !== '' ? JSON.parse(text) as Record<string, unknown> : {}, text, headers: response.headers };
  };
}

/** `{ code, message }` of an error answer. */
export const errorOf = (answer: Answer): { code: string; message: string } => answer.body['error'] as { code: string; message: string };

/** A machine as lifecycle would tell of it. */
export function makeNode(changes: Omit<Partial<Node>, 'id'> & { id?: string } = {}): Node {
  const mac = (changes.macs?.[0] ?? '52:54:00:77:00:01') as Mac;
  return {
    version: 1, status: 'New', statusMessage: 'discovered', hostname: `m-${macToken(mac).slice(-4)}`, macs: [mac], bootMac: mac, uuid: null, serial: null,
    architecture: 'amd64', firmware: 'bios', secureBoot: false, bootRack: 'rack1' as RackId, bmcRack: null,
    power: { type: 'manual', address: null, parametersSet: false, state: 'unknown', observedAt: null, bootDeviceVerified: null },
    hardware: null, tags: [], owner: null, held: false, quarantined: false, locked: false, detached: false, addresses: [], reservedAddress: null,
    operation: null, deployment: null, failure: null, createdAt: '2026-11-20T10:00:00.000Z', updatedAt: '2026-11-20T10:00:00.000Z',
    ...changes, id: (changes.id ?? 'k7x2mp') as NodeId,
  };
}

export type Fake = AsyncDisposable & { bus: Bus; nodes: Map<string, Node>; requests: Event[]; tell(node: Node): Promise<void>; refuse: { code: string; message: string } | undefined; mute: boolean };

const becomes: Record<string, Status> = {
  'node.accept-requested': 'Commissioning', 'node.commission-requested': 'Commissioning', 'node.deploy-requested': 'Deploying',
  'node.release-requested': 'Releasing', 'node.mark-broken-requested': 'Broken', 'node.allocate-requested': 'Allocated',
};

/** Answers every request with the status that follows, or as `refuse` and `mute` say. */
export async function fakeLifecycle(nats: { url: string }): Promise<Fake> {
  const bus = openBus({ servers: nats.url, origin: { service: 'lifecycle', rack: 'rack1', instance: 'fake' }, log: silent });
  await bus.whenReady();
  const fake: Fake = {
    bus, nodes: new Map(), requests: [], refuse: undefined, mute: false, [Symbol.asyncDispose]: () => bus.close(),
    async tell(node) {
      fake.nodes.set(node.id, node);
      await bus.publish(nodeDiscovered, { key: node.id, nodeid: node.id, data: { node } });
    },
  };
  const asked = bus.tail(nodeRequests.map((definition) => `${definition.type}.>`), async (event) => {
    fake.requests.push(event);
    if (!fake.mute) await answer(fake, event);
  });
  await asked.whenLive();
  return fake;
}

async function answer({ bus, nodes, refuse }: Fake, event: Event): Promise<void> {
  if (refuse !== undefined) return void await bus.publish(nodeRequestRefused, react(event, nodeRequestRefused, { key: event.subject, data: { request: event.type, ...refuse } }));
  const known = nodes.get(event.subject);
  if (known === undefined) return void await publishNew(bus, nodes, event);
  const node = { ...known, version: known.version + 1 };
  if (event.type === 'node.remove-requested') return void await bus.publish(nodeRemoved, react(event, nodeRemoved, { key: node.id, data: { id: node.id, version: node.version, macs: node.macs } }));
  const to = becomes[event.type];
  const next: Node = to === undefined ? { ...node, ...settingsOf(node, event) } : { ...node, status: to, statusMessage: `asked for by ${(event.data as { requestedBy: string }).requestedBy}`, ...(to === 'Deploying' && deploymentOf(event)) };
  nodes.set(node.id, next);
  if (to === undefined) await bus.publish(nodeUpdated, react(event, nodeUpdated, { key: node.id, data: { changed: ['settings'], node: next } }));
  else await bus.publish(nodeTransitioned, react(event, nodeTransitioned, { key: node.id, data: { from: node.status, to, on: event.type, why: 'a test', node: next } }));
}

async function publishNew(bus: Bus, nodes: Map<string, Node>, event: Event): Promise<void> {
  const { macs } = event.data as { macs: Mac[] };
  const node = makeNode({ id: `n${macToken(macs[0]!).slice(-5)}`, macs });
  nodes.set(node.id, node);
  await bus.publish(nodeDiscovered, react(event, nodeDiscovered, { key: node.id, data: { node } }));
}

function settingsOf(node: Node, event: Event): Partial<Node> {
  const data = event.data as DataOf<(typeof nodeRequests)[1]>;
  return {
    ...(data.hostname !== undefined && { hostname: data.hostname }), ...(data.tags !== undefined && { tags: data.tags }),
    ...(data.powerType !== undefined && { power: { ...node.power, type: data.powerType, address: data.powerAddress ?? null, parametersSet: data.powerParametersSet ?? false } }),
  };
}

function deploymentOf(event: Event): Pick<Node, 'deployment'> {
  const data = event.data as { image?: { id: string; sha256: string }; profile?: { id: string }; hostname?: string; sshKeys: string[]; userDataSha256: string | null; deployData: string | null };
  return { deployment: {
    image: data.image?.id ?? null, imageSha256: data.image?.sha256 ?? null, ...(data.profile !== undefined && { profile: data.profile.id }), hostname: data.hostname ?? 'web1', disk: null, addressing: 'static', bootOrder: 'network-first', sshKeys: data.sshKeys,
    userDataSha256: data.userDataSha256, deployData: data.deployData, instanceId: 'i-1', deployedAt: null, hostKeys: [],
  } };
}

/** Waits until the api shows the machine so. */
export const untilShown = (region: Region, id: string, is: (node: Node) => boolean): Promise<Node> => waitFor(async () => {
  const { status, body } = await region.call('GET', `/api/v1/machines/${id}`);
  const node = body as unknown as Node;
  return status === 200 && is(node) ? node : undefined;
}, { what: `machine ${id}` });

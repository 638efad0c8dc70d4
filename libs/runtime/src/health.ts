/**
 * What an orchestrator and a person ask a service: /healthz (the process lives), /readyz (it can do its work, and if
 * not, why) and /metrics (Prometheus text). Plain node:http: rack services carry no web framework for three paths.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IronbusError } from '@ironbus/contracts';
import { Registry } from 'prom-client';
import type { Logger } from './logger.ts';

export type Ready = { ready: true } | { ready: false; why: string };
export type Readiness = { ready: boolean; checks: Record<string, Ready> };
export type Health = {
  /** Adds a named check; a check that throws counts as not ready, with its message as the reason. */
  check(name: string, read: () => Ready): void;
  readonly metrics: Registry;
  readiness(): Readiness;
  /** The port that is listened on; 0 before start. */
  port(): number;
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** Port 0 takes any free one. `start` throws PORT_UNAVAILABLE. */
export function createHealth(options: { host: string; port: number; log: Logger }): Health {
  const checks = new Map<string, () => Ready>();
  const metrics = new Registry();
  const readiness = (): Readiness => readAll(checks);
  const server = createServer((request, response) => {
    answer(request, response, readiness, metrics).catch((error: unknown) => {
      options.log.error({ err: error }, 'health request failed');
      response.destroy();
    });
  });
  server.requestTimeout = 5_000;
  const port = (): number => (server.address() as AddressInfo | null)?.port ?? 0;
  return {
    check: (name, read) => { checks.set(name, read); },
    metrics, readiness, port,
    async start() {
      await listen(server, options.host, options.port);
      options.log.debug({ host: options.host, port: port() }, 'health server listening');
    },
    stop: () => closeServer(server),
  };
}

function readAll(checks: ReadonlyMap<string, () => Ready>): Readiness {
  const read = [...checks].map(([name, check]) => [name, readOne(check)] as const);
  return { ready: read.every(([, state]) => state.ready), checks: Object.fromEntries(read) };
}

function readOne(check: () => Ready): Ready {
  try {
    return check();
  } catch (error) {
    return { ready: false, why: error instanceof Error ? error.message : String(error) };
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, readiness: () => Readiness, metrics: Registry): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, { error: 'GET only' });
  switch (request.url?.split('?')[0]) {
    case '/healthz': return send(response, 200, { alive: true });
    case '/readyz': {
      const state = readiness();
      return send(response, state.ready ? 200 : 503, state);
    }
    case '/metrics': {
      const text = await metrics.metrics();
      response.writeHead(200, { 'content-type': metrics.contentType });
      response.end(text);
      return;
    }
    default: return send(response, 404, { error: 'try /healthz, /readyz or /metrics' });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new IronbusError('PORT_UNAVAILABLE', `health server can not listen on ${host}:${port} (${cause.code ?? cause.message}): stop what uses the port, or set this service’s …_HEALTH_PORT (0: any free one)`, { cause }));
    });
    server.listen({ host, port }, () => { server.removeAllListeners('error'); resolve(); });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

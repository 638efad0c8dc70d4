/** The HTTP face: who may call, how errors look, the OpenAPI document. Every status code is decided here or in the error table. */
import rateLimit from '@fastify/rate-limit';
import { fastifySSE } from '@fastify/sse';
import swagger from '@fastify/swagger';
import { auditRecorded, IronbusError, makeEvent, type Violation } from '@ironbus/contracts';
import Fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { bearerKey } from '../core/keys.ts';
import type { Context } from './context.ts';
import { eventRoutes } from './routes/events.ts';
import { imageRoutes } from './routes/images.ts';
import { leaseRoutes } from './routes/leases.ts';
import { machineRoutes } from './routes/machines.ts';
import { networkRoutes } from './routes/networks.ts';
import { profileRoutes } from './routes/profiles.ts';
import { rackRoutes } from './routes/racks.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** No key needed. */
    public?: boolean;
    /** A rack's key is enough. */
    rack?: boolean;
  }
}

export async function createServer(context: Context, version: string): Promise<FastifyInstance> {
  const app = Fastify({
    frameworkErrors: (error, request, reply) => sendError(context, error, request as FastifyRequest, reply as FastifyReply),
    loggerInstance: context.log.child({}, { level: 'warn' }) as FastifyBaseLogger, requestTimeout: 0, keepAliveTimeout: 65_000,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
  });
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Ironbus', version }, components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } }, security: [{ key: [] }] } });
  await app.register(rateLimit, { global: false });
  await app.register(fastifySSE);
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(context, error, request, reply));
  app.setNotFoundHandler((request) => { throw new IronbusError('ROUTE_UNKNOWN', `there is nothing at ${request.method} ${request.url.split('?')[0]}: see /openapi.json`); });
  app.addHook('onRequest', (request) => authorise(context, request));
  app.addHook('onResponse', async (request, reply) => audit(context, request, reply));
  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, () => app.swagger());
  app.get('/version', { config: { public: true }, schema: { hide: true } }, () => ({ name: 'ironbus', version }));
  app.get('/healthz', { config: { public: true }, schema: { hide: true } }, () => ({ alive: true }));
  await app.register(async (v1) => {
    for (const routes of [machineRoutes, networkRoutes, leaseRoutes, imageRoutes, profileRoutes, rackRoutes, eventRoutes]) routes(v1, context);
  }, { prefix: '/api/v1' });
  return app;
}

async function authorise(context: Context, request: FastifyRequest): Promise<void> {
  const { public: open, rack } = request.routeOptions.config;
  if (open === true || request.is404) return;
  const key = bearerKey(request.headers.authorization);
  const identity = key === undefined ? undefined : await context.keys.identify(key);
  if (identity === undefined) throw new IronbusError('AUTH_REQUIRED', 'this needs a valid API key in the header "Authorization: Bearer ib_…"; the first one was printed when Ironbus first started');
  if (identity.role === 'rack' && rack !== true) throw new IronbusError('AUTH_FORBIDDEN', 'a rack’s key fetches images and nothing else');
  request.identity = identity;
}

/** One JSON shape for every error; nothing of a defect's inside leaves the process. */
function sendError(context: Context, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof IronbusError) {
    const violations = (error as { violations?: Violation[] }).violations;
    return reply.code(error.httpStatus).send({ error: { code: error.code, message: error.message, ...(violations !== undefined && { violations }) } });
  }
  if (error.validation !== undefined) {
    const violations = error.validation.map(({ instancePath, message, params }) => ({ path: `/${error.validationContext ?? 'body'}${instancePath}`, message: `${message ?? 'is not valid'}${describe(params)}` }));
    return reply.code(422).send({ error: { code: 'REQUEST_INVALID', message: violations.map(({ path, message }) => `${path} ${message}`).join('; '), violations } });
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return reply.code(error.statusCode).send({ error: { code: 'REQUEST_INVALID', message: error.message } });
  }
  context.log.error({ err: error, method: request.method, path: request.url }, 'request failed');
  return reply.code(500).send({ error: { code: 'INTERNAL', message: 'this is a defect of Ironbus; the log of the api has the detail' } });
}

function describe(params: Record<string, unknown>): string {
  const { additionalProperty, allowedValue, allowedValues } = params;
  if (additionalProperty !== undefined) return ` (${String(additionalProperty)})`;
  return allowedValue === undefined && allowedValues === undefined ? '' : ` (${JSON.stringify(allowedValues ?? allowedValue)})`;
}

/** Who changed what: a fact. It is not worth failing a request that has been answered, so a lost one is logged in full. */
async function audit(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return;
  if (request.identity === undefined && request.routeOptions.config.public !== true) return; // strangers must not be able to fill the log
  const user = request.identity?.user ?? 'anonymous';
  const data = { user, method: request.method, path: request.url.split('?')[0] ?? '', status: reply.statusCode, address: request.ip };
  const key = user.toLowerCase().replace(/[^a-z0-9-]+/g, '-').slice(0, 63) || 'anonymous';
  await context.records.publish(makeEvent(auditRecorded, context.origin, { key, data }))
    .catch((error: unknown) => context.log.error({ err: error, audit: data }, 'audit record was not kept'));
}

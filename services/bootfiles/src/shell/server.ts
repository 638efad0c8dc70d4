/** The HTTP server: validation by the contracts' own schemas, and one shape of error. */
import { IronbusError, lazyCheck, type Violation } from '@ironbus/contracts';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { addAgentRoutes } from './agent-routes.ts';
import { openAgain } from './again.ts';
import { addBootRoutes } from './boot-routes.ts';
import type { Context } from './context.ts';
import { addFileRoutes } from './file-routes.ts';
import { answerUnreadable, openHttpServer } from './http-server.ts';
import { addInstallRoutes } from './install-routes.ts';
import { addMachineRoutes } from './machine-routes.ts';
import { addMetadataRoutes } from './metadata-routes.ts';
import { addSeedRoutes } from './seed-routes.ts';
import { addStatusRoutes } from './status-routes.ts';
import { addTreeRoutes } from './tree-routes.ts';
import { addVirtualRoutes } from './virtual-routes.ts';

/** `trustProxy` stays off: an asker is who its socket says. */
export function createServer(parts: Omit<Context, 'again'>): FastifyInstance {
  const context: Context = { ...parts, again: openAgain() };
  const app = fastify({
    logger: false, trustProxy: false, exposeHeadRoutes: false, forceCloseConnections: true, bodyLimit: 256 * 1024,
    // shim asks for `/loaders//grubx64.efi`: the folder it came from, and `/grubx64.efi`.
    routerOptions: { maxParamLength: 256, ignoreDuplicateSlashes: true }, clientErrorHandler: answerUnreadable,
    // Answers that are in memory go out before anything is routed.
    serverFactory: (route) => openHttpServer((request, response) => { if (!context.again.answer(request, response)) route(request, response); }),
    frameworkErrors: (error, request, reply) => answerError(context, error, request, reply),
  });
  app.addHook('onClose', async () => context.again.stop());
  app.setValidatorCompiler(({ schema }) => compile(schema as TSchema));
  app.setErrorHandler((error, request, reply) => answerError(context, error, request, reply));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: { code: 'ROUTE_UNKNOWN', message: 'there is nothing at this address' } }));
  app.addHook('onRoute', ({ method, url }) => { if (Array.isArray(method) && method.includes('HEAD')) refuseOtherMethods(app, method, url); });
  addBootRoutes(app, context);
  addVirtualRoutes(app, context);
  addFileRoutes(app, context);
  addTreeRoutes(app, context);
  addAgentRoutes(app, context);
  addMachineRoutes(app, context);
  addSeedRoutes(app, context);
  addMetadataRoutes(app, context);
  addStatusRoutes(app, context);
  addInstallRoutes(app, context);
  return app;
}

/** What is there and is not for this method is 405 with what it is for (RFC 9110 §15.5.6), before a body is looked at. */
function refuseOtherMethods(app: FastifyInstance, methods: readonly string[], url: string): void {
  const allowed = methods.join(', ');
  const refuse = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.code(405).header('allow', allowed).send({ error: { code: 'REQUEST_INVALID', message: `what is at this address can be asked for by ${allowed} only` } });
  app.route({ method: app.supportedMethods.filter((method) => !methods.includes(method)), url, onRequest: (request, reply) => { refuse(request, reply); }, handler: refuse });
}

class InvalidRequest extends Error {
  readonly violations: Violation[];

  constructor(violations: Violation[]) {
    super('the request does not satisfy its schema');
    this.violations = violations;
  }
}

/** The schema as it is: no coercion, no removal, no defaults. */
function compile(schema: TSchema): (value: unknown) => { value: unknown } | { error: Error } {
  const check = lazyCheck(schema);
  return (value) => {
    const violations = check(value);
    return violations.length === 0 ? { value } : { error: new InvalidRequest(violations) };
  };
}

function answerError(context: Context, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.routeOptions.url ?? '';
  if (error instanceof IronbusError) {
    if (error.httpStatus >= 500) context.log[error.code === 'NOT_READY' ? 'info' : 'warn']({ path, code: error.code, reason: error.message, detail: error.detail }, 'request not answered');
    if (error.httpStatus === 503) reply.header('retry-after', '5');
    return reply.code(error.httpStatus).send({ error: { code: error.code, message: error.message } });
  }
  const violations = (error as { violations?: Violation[] }).violations;
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (violations !== undefined) return reply.code(422).send({ error: { code: 'REQUEST_INVALID', message: 'the request does not satisfy its schema', violations } });
  if (status < 500) return reply.code(status).send({ error: { code: 'REQUEST_INVALID', message: (error as Error).message } });
  context.log.error({ path, err: error }, 'request failed');
  return reply.code(500).send({ error: { code: 'INTERNAL', message: 'a defect of Ironbus; the rack’s log has the detail' } });
}

/** A rack of machines connects within one turn of the loop. Node's own 511 leave the others to TCP's SYN timer: 1, 3, 7 … 63 s. net.core.somaxconn caps it. */
const backlog = 4_096;

/** Throws PORT_UNAVAILABLE. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port, backlog });
  } catch (cause) {
    throw new IronbusError('PORT_UNAVAILABLE', `bootfiles can not listen on ${host}:${port} (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, { cause });
  }
}

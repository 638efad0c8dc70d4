/**
 * `POST /MAAS/metadata/status/<node>`: what cloud-init and curtin report while a system comes up. It opens nothing, so it is taken for as long as
 * the attempt's credentials are the machine's last, also after phone-home, from any address.
 */
import { IronbusError, nodeStatusReported } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { takeToken, type Rate } from '../core/rate.ts';
import { parseStatusReport } from '../core/status-report.ts';
import type { Context } from './context.ts';
import { refused } from './observe.ts';
import { requireSigned, type Signed } from './signed-request.ts';

/** Logs may be attached; they are dropped, but have to be read. */
const bodyBytes = 1024 * 1024;
/** A first boot of Debian 12 says about 120 things in a minute. */
const rate: Rate = { perSecond: 10, burst: 300 };

type Asked = FastifyRequest<{ Params: { node: string } }>;

export function addStatusRoutes(app: FastifyInstance, context: Context): void {
  const buckets = new Map<string, number>();
  const sessions = new WeakMap<FastifyRequest, Signed>();
  app.register((routes, _options, done) => {
    // cloud-init names no content type, curtin that of a form; it is JSON all the same.
    routes.removeAllContentTypeParsers();
    routes.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
    routes.post<{ Params: { node: string } }>('/MAAS/metadata/status/:node', {
      bodyLimit: bodyBytes,
      onRequest: async (request, reply) => { sessions.set(request, await requireOwn(context, request, reply)); },
    }, (request, reply) => take(context, buckets, { request, signed: sessions.get(request) as Signed, reply }));
    done();
  });
}

/** Before the body is read. */
async function requireOwn(context: Context, request: Asked, reply: FastifyReply): Promise<Signed> {
  const signed = await requireSigned(context, request, reply);
  if (signed.node === request.params.node) return signed;
  refused(context, signed.about, 'status-of-another');
  throw new IronbusError('AUTH_FORBIDDEN', 'these credentials are another machine’s');
}

function take(context: Context, buckets: Map<string, number>, { request, signed, reply }: { request: Asked; signed: Signed; reply: FastifyReply }): FastifyReply {
  const { node, ledger, about } = signed;
  const bucket = takeToken(buckets.get(node), rate, Date.now());
  if (bucket === undefined) return reply.code(429).header('retry-after', '1').send({ error: { code: 'REQUEST_INVALID', message: `more than ${rate.perSecond} reports a second` } });
  buckets.set(node, bucket);
  const parsed = parseStatusReport(typeof request.body === 'string' ? request.body : '');
  if (!parsed.ok) throw new IronbusError('REQUEST_INVALID', `not a status report: ${parsed.why}`);
  const bootid = about.asking.binding?.mac === ledger.mac ? about.asking.binding.bootId ?? undefined : undefined;
  context.bus.observe(nodeStatusReported, {
    key: node, nodeid: node, bootid, correlationid: ledger.operationId ?? undefined, data: { mac: ledger.mac, attempt: ledger.attempt, ...parsed.report },
  });
  return reply.code(204).send();
}

/** `/MAAS/metadata/`, which cloud-init's DataSourceMAAS reads. 404 is a file that this deployment has not, 401 and 403 are published. */
import { IronbusError } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { needsOf, renderMetadata, versions } from '../core/metadata.ts';
import type { Context } from './context.ts';
import { grantedSeed, requireGranted } from './granted.ts';
import { fileServed } from './observe.ts';
import { requireSigned } from './signed-request.ts';

type Asked = FastifyRequest<{ Params: { version: string; '*': string } }>;

export function addMetadataRoutes(app: FastifyInstance, context: Context): void {
  app.get('/MAAS/metadata/', (_request, reply) => { reply.type('text/plain; charset=utf-8').send(`${versions.join('\n')}\n`); });
  app.get('/MAAS/metadata/:version/*', (request, reply) => serve(context, request as Asked, reply));
}

async function serve(context: Context, request: Asked, reply: FastifyReply): Promise<FastifyReply> {
  const { version, '*': path } = request.params;
  if (!versions.includes(version)) throw new IronbusError('FILE_UNKNOWN', `metadata comes in the versions ${versions.join(', ')}`);
  const { node, ledger, about } = await requireSigned(context, request, reply);
  const granted = requireGranted(context, node, { ledger, about, authenticated: true });
  const text = renderMetadata(path, await grantedSeed(context, granted, { asking: about.asking, needs: needsOf(path) }));
  if (text === undefined) throw new IronbusError('FILE_UNKNOWN', 'this deployment has no such metadata');
  // Bytes, not text: user-data is whatever its owner wrote.
  const bytes = Buffer.from(text, 'utf8');
  fileServed(context, about, { bytes: bytes.length, seconds: 0, complete: true });
  return reply.type('application/octet-stream').header('cache-control', 'no-store').send(bytes);
}

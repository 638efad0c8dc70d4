/**
 * `GET|HEAD /images/<sha256>/tree/<path>`: the files of an installer's disc as a web server would have them (anaconda's `inst.repo`,
 * debian-installer's mirror, AutoYaST's `install=`, Windows through wimboot). Names as on the disc, else in any case.
 */
import { IronbusError } from '@ironbus/contracts';
import { IsoError, type Disc, type Found } from '@ironbus/iso';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { renderIndex, treePath } from '../core/tree.ts';
import type { Context } from './context.ts';
import { findImage, serveFile } from './file-routes.ts';
import { openTrees, type Trees } from './trees.ts';

type Asked = { sha256: string; path: string };

export function addTreeRoutes(app: FastifyInstance, context: Context): void {
  const trees = openTrees();
  const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { sha256 = '', '*': path = '' } = request.params as Record<string, string>;
    return serve(context, trees, { sha256, path }, { request, reply });
  };
  app.route({ method: ['GET', 'HEAD'], url: '/images/:sha256/tree/*', handler });
  app.route({ method: ['GET', 'HEAD'], url: '/images/:sha256/tree', handler: (request, reply) => reply.redirect(`${pathOf(request)}/`, 301) });
}

type Exchange = { request: FastifyRequest; reply: FastifyReply };
const pathOf = (request: FastifyRequest): string => request.url.split('?')[0] ?? '';

function serve(context: Context, trees: Trees, { sha256, path }: Asked, { request, reply }: Exchange): Promise<FastifyReply> {
  return serveFile(context, { request, reply }, async () => {
    const image = await findImage(context, sha256);
    const safe = treePath(path);
    const found = safe === undefined ? undefined : await read(context, { sha256, path }, async () => lookUp(await trees.disc(sha256, image.path), safe));
    if (found === undefined) return { absent: `the disc has no ${JSON.stringify(path)}` };
    if (found.kind === 'file') return { ...found, path: image.path, etag: `"${sha256}-${(found.extents[0]?.offset ?? 0).toString(16)}-${found.sizeBytes.toString(16)}"` };
    return path === '' || path.endsWith('/')
      ? { text: renderIndex(path, found.entries), type: 'text/html; charset=utf-8' }
      : { location: `${pathOf(request)}/` };
  });
}

type LookedUp = Extract<Found, { kind: 'file' }> | { kind: 'directory'; entries: { name: string; isDirectory: boolean }[] } | undefined;

async function lookUp(disc: Disc, path: string): Promise<LookedUp> {
  const found = await disc.find(path);
  return found?.kind === 'directory' ? { kind: 'directory', entries: await disc.list(path) ?? [] } : found;
}

/** What is wrong with a disc is for the log; who asks for a file of it can not have it. */
async function read<T>({ log }: Context, { sha256, path }: Asked, how: () => Promise<T>): Promise<T> {
  try {
    return await how();
  } catch (error) {
    if (!(error instanceof IsoError)) throw error;
    log.warn({ image: sha256, path, reason: error.reason, err: error }, 'a disc image can not be read');
    throw new IronbusError('FILE_UNKNOWN', error.reason === 'not-a-disc' ? 'this image is no disc: it has no tree of files' : `the disc image is damaged, or holds what is not read: ${error.message}`, { cause: error });
  }
}

/**
 * `GET|HEAD /images/<sha256>/tree/<path>`: the files of an installer's disc as a web server would have them (anaconda's `inst.repo`,
 * debian-installer's mirror, AutoYaST's `install=`, Windows through wimboot). Names as on the disc, else in any case.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { renderIndex, treePath } from '../core/tree.ts';
import type { Context } from './context.ts';
import { findImage, redirect, serveFile } from './file-routes.ts';
import { lookUp, treeTag } from './trees.ts';

type Asked = { sha256: string; path: string };

export function addTreeRoutes(app: FastifyInstance, context: Context): void {
  const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { sha256 = '', '*': path = '' } = request.params as Record<string, string>;
    return serve(context, { sha256, path }, { request, reply });
  };
  app.route({ method: ['GET', 'HEAD'], url: '/images/:sha256/tree/*', handler });
  app.route({ method: ['GET', 'HEAD'], url: '/images/:sha256/tree', handler: (request, reply) => redirect(reply, `${pathOf(request)}/`) });
}

type Exchange = { request: FastifyRequest; reply: FastifyReply };
const pathOf = (request: FastifyRequest): string => request.url.split('?')[0] ?? '';

function serve(context: Context, { sha256, path }: Asked, { request, reply }: Exchange): Promise<FastifyReply> {
  return serveFile(context, { request, reply }, async () => {
    const image = await findImage(context, sha256);
    const safe = treePath(path);
    const found = safe === undefined ? undefined : await lookUp(context, { sha256, file: image.path }, safe);
    if (found === undefined) return { absent: `the disc has no ${JSON.stringify(path)}` };
    if (found.kind === 'file') return { ...found, path: image.path, etag: `"${treeTag(sha256, found)}"` };
    return path === '' || path.endsWith('/')
      ? { text: renderIndex(path, found.entries), type: 'text/html; charset=utf-8' }
      : { location: `${pathOf(request)}/` };
  });
}

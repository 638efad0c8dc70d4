/** Loaders, boot assets, the agent's image and operating system images: nothing secret, anybody may have them. */
import { join } from 'node:path';
import { IronbusError } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { identify } from './asker.ts';
import type { Context } from './context.ts';
import type { Awaited } from './image-cache.ts';
import { fileServed, refused } from './observe.ts';
import { sendFile, type ServedFile } from './send-file.ts';

/** A file, a text, another address that has it, or nothing: installers ask for much that a disc may have, so that is no refusal. */
export type Served = ServedFile | { text: string; type: string } | { location: string } | { absent: string };

export function addFileRoutes(app: FastifyInstance, context: Context): void {
  const route = (url: string, find: (params: Record<string, string>) => Promise<ServedFile> | ServedFile): void => {
    app.route({ method: ['GET', 'HEAD'], url, handler: (request, reply) => serveFile(context, { request, reply }, () => find(request.params as Record<string, string>)) });
  };
  const asset = (path: string): ServedFile => findAsset(context, path);
  route('/loaders/*', (params) => asset(`loaders/${params['*']}`));
  route('/boot-assets/*', (params) => asset(`boot-assets/${params['*']}`));
  route('/agent-image/:architecture/:file', ({ architecture, file }) => asset(`agent/${architecture}/${file}`));
  route('/images/:sha256', ({ sha256 }) => findImage(context, sha256 ?? ''));
}

/** Only what the manifest names exists: no path is ever built from a request. */
function findAsset({ assets, config }: Context, path: string): ServedFile {
  const file = assets.get(path);
  if (file === undefined) throw new IronbusError('FILE_UNKNOWN', 'there is no such boot file');
  return { path: join(config.assetsDir, file.path), etag: `"${file.sha256}"` };
}

/** Throws NOT_READY while it is being fetched, FILE_UNKNOWN. */
export async function findImage({ images, config }: Context, sha256: string): Promise<ServedFile> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new IronbusError('FILE_UNKNOWN', 'an image is named by its SHA-256');
  return { path: pathOf(await images.await(sha256, config.imageWaitSeconds * 1000), 'the image'), etag: `"${sha256}"` };
}

/** Throws NOT_READY where it may be there later, FILE_UNKNOWN; `what` names it. */
export function pathOf(found: Awaited, what: string): string {
  if (found === 'late') throw new IronbusError('NOT_READY', `${what} is still being fetched from the region: ask again`);
  if (found === 'unkept') throw new IronbusError('NOT_READY', `${what} is at the region and this rack’s disk does not take it: make room in BOOTFILES_IMAGE_DIR (the rack’s log has the reason), then ask again`);
  if (found === 'absent') throw new IronbusError('FILE_UNKNOWN', `${what} is not on this rack and can not be had from the region`);
  return found.path;
}

/** Of two slashes at the start the second begins the name of a host (RFC 3986 §4.2). The length is said, so that HEAD says what GET does. */
export const redirect = (reply: FastifyReply, location: string): FastifyReply => reply.header('content-length', 0).redirect(location.replace(/^\/+/, '/'), 301);

type Exchange = { request: FastifyRequest; reply: FastifyReply };

/** Answers with what `find` gives; tells what was sent, and what was refused. */
export async function serveFile(context: Context, { request, reply }: Exchange, find: () => Promise<Served> | Served): Promise<FastifyReply> {
  const asking = identify(context, request);
  const about = { asking, mac: asking.binding?.mac ?? null, path: request.url.split('?')[0] ?? '' };
  try {
    const served = await find();
    if ('location' in served) return await redirect(reply, served.location);
    if ('absent' in served) return await reply.code(404).send({ error: { code: 'FILE_UNKNOWN', message: served.absent } });
    if ('text' in served) return await reply.type(served.type).send(served.text);
    return await sendFile(request, reply, served, (sent) => fileServed(context, about, sent));
  } catch (error) {
    if (error instanceof IronbusError && error.code === 'FILE_UNKNOWN') refused(context, about, 'file-unknown');
    throw error;
  }
}

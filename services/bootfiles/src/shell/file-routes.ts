/** Loaders, boot assets, the agent's image and operating system images: nothing secret, anybody may have them. */
import { join } from 'node:path';
import { IronbusError } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { identify } from './asker.ts';
import type { Context } from './context.ts';
import { fileServed, refused } from './observe.ts';
import { sendFile, type ServedFile } from './send-file.ts';

export function addFileRoutes(app: FastifyInstance, context: Context): void {
  const route = (url: string, find: (params: Record<string, string>) => Promise<ServedFile> | ServedFile): void => {
    app.route({ method: ['GET', 'HEAD'], url, handler: (request, reply) => serve(context, find, request, reply) });
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
  return { path: join(config.assetsDir, file.path), sha256: file.sha256 };
}

async function findImage({ images, config }: Context, sha256: string): Promise<ServedFile> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new IronbusError('FILE_UNKNOWN', 'an image is named by its SHA-256');
  const found = await images.await(sha256, config.imageWaitSeconds * 1000);
  if (found === 'late') throw new IronbusError('NOT_READY', 'the image is still being fetched from the region: ask again');
  if (found === 'absent') throw new IronbusError('FILE_UNKNOWN', 'the image is not on this rack and can not be had from the region');
  return { path: found.path, sha256 };
}

async function serve(context: Context, find: (params: Record<string, string>) => Promise<ServedFile> | ServedFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const asking = identify(context, request);
  const about = { asking, mac: asking.binding?.mac ?? null, path: request.url.split('?')[0] ?? '' };
  try {
    return await sendFile(request, reply, await find(request.params as Record<string, string>), (sent) => fileServed(context, about, sent));
  } catch (error) {
    if (error instanceof IronbusError && error.code === 'FILE_UNKNOWN') refused(context, about, 'file-unknown');
    throw error;
  }
}

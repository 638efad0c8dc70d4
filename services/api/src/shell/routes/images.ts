/** Images: uploaded as a stream, listed, fetched by racks. */
import { Image, IronbusError } from '@ironbus/contracts';
import { imagesOf } from '@ironbus/installers';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import { Readable } from 'node:stream';
import { idFromName, ImageQuery } from '../../core/images.ts';
import { parseRange } from '../../core/range.ts';
import type { Context } from '../context.ts';

const Named = Type.Object({ id: Type.String({ minLength: 1, maxLength: 63 }) });
type Named = Static<typeof Named>;
const octets = 'application/octet-stream';

export function imageRoutes(app: FastifyInstance, context: Context): void {
  app.addContentTypeParser(octets, (_request, payload, done) => done(null, payload));
  app.get('/images', { schema: { tags: ['images'], summary: 'All images', response: { 200: Type.Array(Image) } } }, () => context.records.images.list());
  app.get<{ Params: Named }>('/images/:id', { schema: { params: Named, tags: ['images'], summary: 'One image' } }, async (request) => (await found(context, request.params.id)).value);
  app.post<{ Querystring: ImageQuery; Body: Readable }>('/images', {
    bodyLimit: Number.MAX_SAFE_INTEGER,
    schema: { querystring: ImageQuery, body: { content: { [octets]: { schema: {} } } }, tags: ['images'], summary: 'Add an image; the body is its bytes' },
  }, async (request, reply) => {
    if (!(request.body instanceof Readable)) throw new IronbusError('IMAGE_INVALID', `the request has no body of type ${octets}: send the image’s bytes`);
    const { added, image } = await addImage(context, request.query, request.body);
    return reply.code(added ? 201 : 200).send(image);
  });
  app.delete<{ Params: Named }>('/images/:id', { schema: { params: Named, tags: ['images'], summary: 'Remove an image that no machine uses' } }, async (request, reply) => {
    await removeImage(context, request.params.id);
    return reply.code(204).send();
  });
  blobRoute(app, context);
}

async function addImage(context: Context, query: ImageQuery, body: Readable) {
  const { name, format, os = 'linux', release = '', architecture = 'amd64', defaultUser = 'root', id = idFromName(name), sha256 } = query;
  const known = await context.records.images.read(id);
  if (known !== undefined && sha256 !== known.value.sha256) throw new IronbusError('IMAGE_INVALID', `there is an image ${id} already: remove it first, or give another id`);
  if (known !== undefined) return { added: false, image: known.value };
  const stored = await context.images.save(body, { promised: sha256, format });
  const image = { id, name, os, release, architecture, format, defaultUser, ...stored, addedAt: new Date().toISOString() };
  try {
    await context.records.images.write(id, image, 0);
  } catch (error) {
    await removeUnused(context, stored.sha256);
    throw error;
  }
  return { added: true, image };
}

/** Two images may be the same bytes. */
async function removeUnused(context: Context, sha256: string): Promise<void> {
  const used = (await context.records.images.list()).some((image) => image.sha256 === sha256);
  if (!used) await context.images.remove(sha256);
}

async function removeImage(context: Context, id: string): Promise<void> {
  const { value, version } = await found(context, id);
  const users = (await context.nodes.list()).filter((node) => node.deployment?.image === id && node.status === 'Deploying');
  if (users.length > 0) throw new IronbusError('IMAGE_IN_USE', `${users.map((node) => node.hostname).join(', ')} ${users.length === 1 ? 'is' : 'are'} being deployed from ${id}: wait, or abort first`);
  const named = (await context.records.profiles.list()).filter((profile) => imagesOf(profile).includes(id));
  if (named.length > 0) throw new IronbusError('IMAGE_IN_USE', `profile ${named.map((profile) => profile.id).join(', ')} names ${id}: change or remove the profile first`);
  await context.records.images.write(id, null, version);
  await removeUnused(context, value.sha256);
}

async function found(context: Context, id: string) {
  const record = await context.records.images.read(id);
  if (record === undefined) throw new IronbusError('IMAGE_UNKNOWN', `there is no image ${JSON.stringify(id)}: "ironbus images list" shows them`);
  return record;
}

function blobRoute(app: FastifyInstance, context: Context): void {
  const options = { config: { rack: true }, schema: { params: Named, tags: ['images'], summary: 'Its bytes (Range is honoured)' } };
  app.head<{ Params: Named }>('/images/:id/blob', { ...options, schema: { ...options.schema, hide: true } }, async (request, reply) => {
    const { sizeBytes } = await stored(context, request.params.id, reply);
    return reply.header('content-length', sizeBytes).send();
  });
  app.get<{ Params: Named }>('/images/:id/blob', { ...options, exposeHeadRoute: false }, async (request, reply) => {
    const { sha256, sizeBytes } = await stored(context, request.params.id, reply);
    const range = parseRange(request.headers.range, sizeBytes);
    if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${sizeBytes}`).send();
    if (range === undefined) return reply.header('content-length', sizeBytes).send(context.images.read(sha256));
    const part = { 'content-range': `bytes ${range.start}-${range.end}/${sizeBytes}`, 'content-length': range.end - range.start + 1 };
    return reply.code(206).headers(part).send(context.images.read(sha256, range));
  });
}

/** The image whose bytes are there in full, and the headers that describe them. Throws IMAGE_UNKNOWN, FILE_UNKNOWN. */
async function stored(context: Context, id: string, reply: FastifyReply): Promise<Image> {
  const { value } = await found(context, id);
  if (await context.images.size(value.sha256) !== value.sizeBytes) throw new IronbusError('FILE_UNKNOWN', `the bytes of image ${id} are gone from the region’s disk: remove the image and add it again`);
  reply.header('accept-ranges', 'bytes').header('etag', `"${value.sha256}"`).type(octets);
  return value;
}

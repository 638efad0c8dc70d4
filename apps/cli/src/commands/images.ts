/** `ironbus images …` */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Option, type Command } from 'commander';
import type { Image } from '@ironbus/contracts';
import { CliError } from '../core/errors.ts';
import { formatBytes, formatFields } from '../core/table.ts';
import { path, type Cli } from '../shell/context.ts';

type AddOptions = { name: string; format: string; os?: string; release?: string; architecture?: string; defaultUser?: string; id?: string };

export function imageCommands(program: Command, cli: Cli): void {
  const images = program.command('images').alias('image').description('Operating system images');
  images.command('list').alias('ls').description('All images').action(async () =>
    cli.table(await (await cli.client()).get<Image[]>('/api/v1/images'), ['ID', 'NAME', 'OS', 'RELEASE', 'ARCH', 'FORMAT', 'SIZE', 'USER'],
      (image) => [image.id, image.name, image.os, image.release, image.architecture, `${image.format}${image.compression === 'none' ? '' : `.${image.compression}`}`, formatBytes(image.sizeBytes), image.defaultUser]));
  images.command('show <image>').description('One image').action(async (id: string) => cli.print(await (await cli.client()).get<Image>(path`/api/v1/images/${id}`), describe));
  images.command('remove <image>').alias('rm').description('Remove an image that no machine uses').action(async (id: string) => {
    await (await cli.client()).call('DELETE', path`/api/v1/images/${id}`);
    cli.print({ removed: id }, () => `image ${id} is removed`);
  });
  images.command('add <file>').description('Add an image: a whole disk (raw) or a tar of a root file system (rootfs), plain or as zstd, gzip or xz; an installer’s disc (iso); or a kernel, initrd or overlay of installer profiles (file)')
    .requiredOption('--name <name>').addOption(new Option('--format <format>').choices(['raw', 'rootfs', 'iso', 'file']).makeOptionMandatory())
    .option('--id <id>', 'made from the name unless told').option('--os <os>').option('--release <release>').addOption(new Option('--architecture <arch>').choices(['amd64', 'arm64'])).option('--default-user <name>', 'the account ssh keys are for')
    .action(async (file: string, options: AddOptions) => cli.print(await add(cli, file, options), describe));
}

const describe = (image: Image): string => formatFields(Object.entries(image));

/** Read twice: the region is promised the hash before it gets the bytes, so the same image again costs no upload that counts. */
async function add(cli: Cli, file: string, options: AddOptions): Promise<Image> {
  const client = await cli.client();
  const { size } = await stat(file).catch((cause: NodeJS.ErrnoException) => { throw new CliError('USAGE', `${file} can not be read (${cause.code})`, { cause }); });
  const hash = createHash('sha256');
  for await (const chunk of meter(cli, file, { what: 'hashing', size })) hash.update(chunk);
  const query = new URLSearchParams({ ...options, sha256: hash.digest('hex') });
  const stream = Readable.toWeb(Readable.from(meter(cli, file, { what: 'sending', size }), { objectMode: false })) as ReadableStream;
  return (await client.call<Image>('POST', `/api/v1/images?${query}`, { stream })).body;
}

/** The bytes of a file, with a line of progress for each tenth where the file is large. */
async function* meter(cli: Cli, file: string, { what, size }: { what: string; size: number }): AsyncGenerator<Buffer> {
  let done = 0;
  let tenths = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    if (cli.io.signal.aborted) throw new CliError('INTERRUPTED', 'interrupted');
    yield chunk;
    done += chunk.length;
    const now = Math.floor((done / size) * 10);
    if (size > 16 * 1024 * 1024 && now > tenths) cli.say(`${what} ${file}: ${now * 10} % of ${formatBytes(size)}`);
    tenths = now;
  }
}

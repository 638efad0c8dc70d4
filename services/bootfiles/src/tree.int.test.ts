/** A disc image from the region's store to an installer: made by genisoimage and xorriso, fetched by curl and wget, without mounting. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { imagesBucket } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { image as template } from '../test/fixtures.ts';
import { ofType, startRack, type Rack } from '../test/rack.ts';

const run = async (program: string, ...args: string[]): Promise<string> => (await promisify(execFile)(program, args, { maxBuffer: 1 << 26, encoding: 'latin1' })).stdout;
const curl = (...args: string[]): Promise<string> => run('curl', '-sS', '--max-time', '20', ...args);

const files = new Map([
  ['.disk/info', 'Test 1.0'],
  ['casper/vmlinuz', Buffer.alloc(300_001, 'kernel').toString()],
  ['casper/filesystem.squashfs', Buffer.alloc(9_000_000, 'squashfs!').toString()],
  ['dists/bookworm/Release', 'Suite: stable\n'],
  ['pool/a b/ünï & <co>.deb', 'odd'],
  ['EFI/BOOT/grubx64.efi', 'grub'],
  ['empty', ''],
]);

let rack: Rack;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ironbus-tree-'));
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, 'tree', path)), { recursive: true });
    await writeFile(join(directory, 'tree', path), content);
  }
  await mkdir(join(directory, 'shared'));
  rack = await startRack({ BOOTFILES_SHARED_IMAGE_DIR: join(directory, 'shared') });
  await rack.start();
});
after(async () => {
  await rack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Into the region's directory and its index, as an upload does; gives where its tree is. */
async function addImage(id: string, file: string): Promise<string> {
  const content = await readFile(file);
  const sha256 = createHash('sha256').update(content).digest('hex');
  await writeFile(join(directory, 'shared', sha256), content);
  await rack.api.kv(imagesBucket).put(id, { ...template, id, format: 'iso', compression: 'none', sizeBytes: content.length, sha256 });
  const url = rack.url(`/images/${sha256}/tree/`);
  await waitFor(async () => (await fetch(url)).status !== 404);
  return url;
}

for (const [id, program, ...options] of [
  ['rock-ridge', 'genisoimage', '-quiet', '-R', '-J'],
  ['windows', 'genisoimage', '-quiet', '-udf', '-hide', '*'],
  ['joliet', 'genisoimage', '-quiet', '-J'],
  ['xorriso', 'xorriso', '-as', 'mkisofs', '-quiet', '-R'],
] as const) {
  test(`wget mirrors the tree of ${id} and gets every file as it was`, async () => {
    const image = join(directory, `${id}.iso`);
    await run(program, ...options.slice(0, program === 'xorriso' ? 3 : 1), ...(program === 'genisoimage' ? ['-input-charset', 'utf-8'] : []), ...options.slice(program === 'xorriso' ? 3 : 1), '-o', image, join(directory, 'tree'));
    const url = await addImage(id, image);
    const mirror = join(directory, `${id}-mirror`);
    await run('wget', '-q', '-r', '-np', '-nH', '--cut-dirs=3', '--restrict-file-names=nocontrol', '-e', 'robots=off', '-P', mirror, url);
    for (const [path, content] of files) assert.ok(await readFile(join(mirror, path), 'utf8') === content, path);
    assert.equal(await curl(`${url}efi/boot/GRUBX64.EFI`), 'grub', 'in any case');
  });
}

test('a file of a disc: HEAD, ranges, conditions, links; what is no file is said', async () => {
  await symlink('bookworm', join(directory, 'tree/dists/stable'));
  const image = join(directory, 'rules.iso');
  await run('genisoimage', '-quiet', '-R', '-input-charset', 'utf-8', '-o', image, join(directory, 'tree'));
  const url = await addImage('rules', image);
  const squashfs = files.get('casper/filesystem.squashfs') ?? '';
  const head = await fetch(`${url}casper/filesystem.squashfs`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')], [200, '9000000', 'bytes']);
  const etag = head.headers.get('etag') ?? '';
  assert.equal(await curl('-r', '5000000-5000099', `${url}casper/filesystem.squashfs`), squashfs.slice(5_000_000, 5_000_100));
  assert.equal(await curl('-r', '-7', `${url}casper/filesystem.squashfs`), squashfs.slice(-7));
  assert.equal(await curl('-o', '/dev/null', '-w', '%{http_code}', '-H', `If-None-Match: ${etag}`, `${url}casper/filesystem.squashfs`), '304');
  assert.equal(await curl('-o', '/dev/null', '-w', '%{http_code}', '-r', '9000000-', `${url}casper/filesystem.squashfs`), '416');
  assert.notEqual((await fetch(`${url}casper/vmlinuz`, { method: 'HEAD' })).headers.get('etag'), etag);
  assert.equal(await curl(`${url}dists/stable/Release`), 'Suite: stable\n');
  assert.equal(await curl('-o', '/dev/null', '-w', '%{http_code} %{redirect_url}', `${url}dists`), `301 ${url}dists/`);
  const beside = url.replace('/images/', '//images/');
  for (const path of [`${beside}dists`, beside.slice(0, -1)]) {
    const [get, head] = await Promise.all([fetch(path, { redirect: 'manual' }), fetch(path, { redirect: 'manual', method: 'HEAD' })]);
    assert.equal(get.headers.get('location'), `${new URL(path).pathname.slice(1)}/`, 'a path, not another host');
    assert.deepEqual([get.status, get.headers.get('content-length')], [head.status, head.headers.get('content-length')]);
  }
  assert.equal(await curl('--path-as-is', `${url}casper/../dists/%2e%2e/./dists/stable/Release`), 'Suite: stable\n');
  assert.match(await curl(`${url}dists/`), /<a href="\.\/bookworm\/">/);
  assert.equal(await curl('-o', '/dev/null', '-w', '%{http_code} %{size_download}', `${url}empty`), '200 0');
  for (const path of ['nothing', 'casper/vmlinuz/x', '%2e%2e/x', 'a%00b']) assert.equal(await curl('-o', '/dev/null', '-w', '%{http_code}', '--path-as-is', `${url}${path}`), '404', path);
  const partial = join(directory, 'partial');
  await writeFile(partial, squashfs.slice(0, 4_000_000));
  await run('wget', '-q', '-c', '-O', partial, `${url}casper/filesystem.squashfs`);
  assert.ok(await readFile(partial, 'utf8') === squashfs, 'wget -c goes on where it stopped');
  await waitFor(() => ofType(rack.observations, 'boot.file-served').some((event) => (event.data as { path: string }).path.endsWith('/tree/dists/stable/Release')));
});

for (const sizeBytes of [3, 100_000]) {
  test(`an image of ${sizeBytes} bytes that is no disc has no tree, and is said to be none`, async () => {
    const content = Buffer.alloc(sizeBytes, 'raw');
    const sha256 = createHash('sha256').update(content).digest('hex');
    await writeFile(join(directory, 'shared', sha256), content);
    const answer = await fetch(rack.url(`/images/${sha256}/tree/`));
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /no disc/);
  });
}

/** Files that exist only for the machine that asks, files too large to keep, and every way in which bootfiles may fail. */
import assert from 'node:assert/strict';
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import { encodeAck, encodeRrq, fromNetascii, netasciiStart, TftpError, toNetascii } from '@ironbus/wire';
import { fetchFile, openClient } from './testing/client.ts';
import { contentOf, serve, type Served } from './testing/served.ts';

const kernel = contentOf(5_000_003);
const firmware = contentOf(70_001);
const script = Buffer.from('# ironbus: policy-agent\nset timeout=0\n');
let served: Served;
before(async () => {
  served = await serve({ 'grubx64.efi': contentOf(3000), 'agent/amd64/vmlinuz': kernel, 'agent/amd64/initrd.img': contentOf(100), 'pi/start4.elf': firmware }, { TFTP_BOOTFILES_TIMEOUT: '300ms' });
});
after(() => served[Symbol.asyncDispose]());
beforeEach(() => {
  served.rack.answer = (_request, response) => { response.end(script); };
  served.rack.asked.length = 0;
});

const idle = (): Promise<true> => waitFor(() => served.service.running() === 0, { what: 'no transfer going on' });
const get = (file: string, options: Record<string, string | number> = {}): Promise<Buffer> => fetchFile(served.port, { file, options });
const refusal = (file: string): Promise<string> => get(file).then(() => 'served', (error: Error) => error.message);

test('a script is asked for in the machine’s name, each time anew', async () => {
  for (let times = 0; times < 2; times++) assert.ok((await get('/grub//grub.cfg')).equals(script));
  assert.deepEqual(served.rack.asked, ['for=127.0.0.1 /virtual/grub/grub.cfg', 'for=127.0.0.1 /virtual/grub/grub.cfg']);
  await waitFor(() => served.seen('tftp.completed', '/grub//grub.cfg').length === 2);
});

test('spellings: backslashes and double roots are made one; what needs escaping is escaped; text arrives in netascii', async () => {
  for (const path of ['\\pxelinux.cfg\\01-52-54-00-77-00-01', '//grub/grub.cfg-01-52:54:00:77:00:01', 'a?b#c%41']) await get(path);
  assert.deepEqual(served.rack.asked.map((line) => line.split(' ')[1]), ['/virtual/pxelinux.cfg/01-52-54-00-77-00-01', '/virtual/grub/grub.cfg-01-52%3A54%3A00%3A77%3A00%3A01', '/virtual/a%3Fb%23c%2541']);
  await using client = await openClient();
  client.send(encodeRrq('grub.cfg', [], 'netascii'), served.port);
  const { packet, from } = await client.next();
  assert.ok(packet.kind === 'data' && Buffer.from(packet.payload).equals(Buffer.from(toNetascii(script))));
  client.send(encodeAck(1), from.port);
  assert.ok(Buffer.from(fromNetascii(packet.payload, netasciiStart, true).bytes).equals(script));
});

test('loaders, kernel and initrd are never asked for; case and the name of the HTTP route do not matter', async () => {
  assert.equal((await get('GRUBX64.EFI')).length, 3000);
  for (const path of ['agent/amd64/vmlinuz', 'agent-image/amd64/vmlinuz', '/agent-image//amd64/vmlinuz']) assert.ok((await get(path, { blksize: 1468, windowsize: 16 })).equals(kernel), path);
  assert.deepEqual(served.rack.asked, []);
});

test('a climbing path is refused before anybody is asked, a name that can not be one is unknown', async () => {
  for (const path of ['../grub/grub.cfg', 'grub/..\\..\\x', '%2e%2e/grub.cfg']) assert.match(await refusal(path), new RegExp(`^${TftpError.accessViolation} outside-tree`), path);
  assert.match(await refusal('grüb.cfg'), /^1 no-such-file/);
  assert.match(await refusal('x'.repeat(300)), /^1 no-such-file/);
  assert.deepEqual(served.rack.asked, []);
  await waitFor(() => served.seen('tftp.refused', '../grub/grub.cfg').length === 1);
});

test('bootfiles names an asset: it is served; one that nobody put there is not found, and said so', async () => {
  served.rack.answer = (request, response) => { response.writeHead(204, { 'x-ironbus-asset': `pi/${request.url?.split('/').at(-1)}` }).end(); };
  assert.ok((await get('9f32a1bc/start4.elf')).equals(firmware));
  assert.match(await refusal('9f32a1bc/fixup4.dat'), /^1 no-such-file/);
  const told = await waitFor(() => served.seen('tftp.refused', '9f32a1bc/fixup4.dat')[0]);
  assert.equal((told.data as { reason: string }).reason, 'not-installed');
});

const failures: [name: string, answer: Served['rack']['answer'], says: RegExp][] = [
  ['not found', (_request, response) => { response.writeHead(404).end(); }, /^1 no-such-file/],
  ['forbidden', (_request, response) => { response.writeHead(403).end('{}'); }, /^0 the rack is set up wrongly/],
  ['a defect', (_request, response) => { response.writeHead(500).end(); }, /^0 boot files are not available now: try again/],
  ['silence', () => undefined, /^0 boot files are not available now/],
  ['a reset in the middle', (_request, response) => { response.write('#'); response.socket?.resetAndDestroy(); }, /^0 boot files are not available now/],
  ['far too much', (_request, response) => { response.end(Buffer.alloc(400_000)); }, /^0 boot files are not available now/],
];
for (const [name, answer, says] of failures) {
  test(`bootfiles answers with ${name}`, async () => {
    served.rack.answer = answer;
    assert.match(await refusal('grub/grub.cfg'), says);
    await idle();
  });
}

test('“ask again” is silence: the request repeated later is answered', async () => {
  await using client = await openClient();
  served.rack.answer = (_request, response) => { response.writeHead(503).end(); };
  const request = encodeRrq('9f32a1bc/config.txt', []);
  client.send(request, served.port);
  await waitFor(() => served.rack.asked.length === 1);
  await idle();
  assert.deepEqual(client.waiting, []);
  served.rack.answer = (_request, response) => { response.end(script); };
  client.send(request, served.port);
  const { packet, from } = await client.next();
  assert.ok(packet.kind === 'data' && script.equals(packet.payload));
  client.send(encodeAck(1), from.port);
  await idle();
});

test('a request repeated while bootfiles thinks is asked once; one replaced by another is forgotten', async () => {
  await using client = await openClient();
  const held: (() => void)[] = [];
  served.rack.answer = (_request, response) => { held.push(() => response.end(script)); };
  for (let times = 0; times < 3; times++) client.send(encodeRrq('grub/grub.cfg', []), served.port);
  await waitFor(() => held.length === 1);
  client.send(encodeRrq('grub/grub.cfg', [{ name: 'blksize', value: '1024' }]), served.port);
  await waitFor(() => held.length === 2);
  for (const answer of held) answer();
  assert.equal((await client.next()).packet.kind, 'oack');
  assert.deepEqual([client.waiting.length, served.service.running(), served.rack.asked.length], [0, 1, 2]);
});

test('a connection that bootfiles closed meanwhile costs nobody a boot', async () => {
  let answered = 0;
  served.rack.answer = (_request, response) => { answered += 1; if (answered === 2) response.socket?.resetAndDestroy(); else response.end(script); };
  for (let times = 0; times < 2; times++) assert.ok((await get('grub/grub.cfg')).equals(script));
  assert.equal(answered, 3);
});

test('a kernel that changed on disk, or is gone, is not served', async () => {
  const path = join(served.dir, 'agent/amd64/initrd.img');
  await writeFile(path, contentOf(101));
  assert.match(await refusal('agent/amd64/initrd.img'), /^0 the file can not be read/);
  await writeFile(path, Buffer.alloc(100));
  assert.match(await refusal('agent/amd64/initrd.img'), /^0 the file can not be read/);
  await writeFile(path, contentOf(100));
  assert.ok((await get('agent/amd64/initrd.img')).equals(contentOf(100)));
  await unlink(path);
  assert.ok((await get('agent/amd64/initrd.img')).equals(contentOf(100)), 'what is being served is in memory');
});

test('two hundred clients read the kernel at once, which is in memory once', async () => {
  const before = process.memoryUsage().arrayBuffers;
  let highest = 0;
  const got = await Promise.all(Array.from({ length: 200 }, () => fetchFile(served.port, {
    file: 'agent/amd64/vmlinuz', options: { blksize: 1468, windowsize: 4, tsize: 0 },
    onPacket: ({ packet }, client) => { if (packet.kind === 'data' && packet.block === 3) throw new Error(`enough ${client.port}`); highest = Math.max(highest, process.memoryUsage().arrayBuffers); },
  }).catch((error: Error) => error.message)));
  assert.ok(got.every((result) => String(result).startsWith('enough')));
  assert.ok(highest - before < 3 * kernel.length, `${highest - before} bytes more`);
});

test('bootfiles is not there at all', async () => {
  await served.rack.stop();
  assert.match(await refusal('grub/grub.cfg'), /^0 boot files are not available now: try again/);
  assert.equal((await get('grubx64.efi')).length, 3000);
});

/** TFTP_SINGLE_PORT: every reply from the port that was asked, and transfers that do not disturb each other. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import { encodeAck, encodeError, encodeRrq, TftpError } from '@ironbus/wire';
import { fetchFile, isBlock, nextWhere, openClient } from './testing/client.ts';
import { contentOf, serve, type Served } from './testing/served.ts';

const loader = contentOf(300_001);
let served: Served;
before(async () => { served = await serve({ 'ipxe.efi': loader }, { TFTP_SINGLE_PORT: 'true', TFTP_RETRANSMIT_SECONDS: '0.1', TFTP_MAX_TRIES: '6' }); });
after(() => served[Symbol.asyncDispose]());
const options = [{ name: 'blksize', value: '512' }];

test('a hundred transfers at once, each from the one port', async () => {
  const ports = new Set<number>();
  const got = await Promise.all(Array.from({ length: 100 }, (_, at) => fetchFile(served.port, {
    file: 'ipxe.efi', options: { blksize: 1000 + at, windowsize: 1 + at % 8 }, onPacket: ({ from }) => ports.add(from.port),
  })));
  assert.ok(got.every((bytes) => bytes.equals(loader)));
  assert.deepEqual([...ports], [served.port]);
  await waitFor(() => served.service.running() === 0);
});

test('loss is repaired', async () => {
  let seed = 7;
  const roll = (): number => { seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0; return seed / 2 ** 32; };
  assert.ok((await fetchFile(served.port, { file: 'ipxe.efi', options: { blksize: 1468, windowsize: 4 }, loses: () => roll() < 0.1 })).equals(loader));
});

test('what a stranger sends reaches nobody’s transfer and is left unanswered', async () => {
  await using client = await openClient();
  await using stranger = await openClient();
  client.send(encodeRrq('ipxe.efi', options), served.port);
  assert.equal((await client.next()).packet.kind, 'oack');
  for (const bytes of [encodeAck(0), encodeAck(1), encodeError(TftpError.notDefined, 'enough')]) stranger.send(bytes, served.port);
  stranger.send(encodeRrq('nothing', []), served.port);
  const { packet } = await stranger.next();
  assert.deepEqual([packet.kind === 'error' && packet.code, served.service.running()], [TftpError.fileNotFound, 1]);
  client.send(encodeAck(0), served.port);
  await nextWhere(client, isBlock(1));
  client.send(encodeError(TftpError.notDefined, 'enough'), served.port);
  await waitFor(() => served.service.running() === 0);
});

test('a late ACK after the end does not touch the next transfer from the same port', async () => {
  await using client = await openClient();
  client.send(encodeRrq('ipxe.efi', options), served.port);
  await client.next();
  client.send(encodeError(TftpError.optionRefused, 'User aborted the transfer'), served.port);
  await waitFor(() => served.service.running() === 0);
  client.send(encodeAck(0), served.port);
  client.send(encodeRrq('ipxe.efi', [{ name: 'blksize', value: '1024' }]), served.port);
  const { packet } = await client.next();
  assert.deepEqual(packet, { kind: 'oack', options: [{ name: 'blksize', value: '1024' }] });
  client.send(encodeError(TftpError.notDefined, 'enough'), served.port);
  await waitFor(() => served.service.running() === 0);
});

test('a client that was reset in the middle of a transfer asks the same from the same port: it gets the file from its start', async () => {
  await using client = await openClient();
  client.send(encodeRrq('ipxe.efi', options), served.port);
  await client.next();
  client.send(encodeAck(0), served.port);
  for (let times = 0; times < 2; times++) await nextWhere(client, isBlock(1));
  client.send(encodeRrq('ipxe.efi', options), served.port);
  await nextWhere(client, ({ kind }) => kind === 'oack');
  client.send(encodeError(TftpError.notDefined, 'enough'), served.port);
  await waitFor(() => served.service.running() === 0);
});

test('a client that goes away is forgotten, and its port may ask anew', async () => {
  await using client = await openClient();
  client.send(encodeRrq('ipxe.efi', options), served.port);
  await waitFor(() => served.seen('tftp.failed', 'ipxe.efi').some((event) => (event.data as { reason: string }).reason === 'client-gone'));
  client.waiting.length = 0;
  client.send(encodeRrq('ipxe.efi', options), served.port);
  assert.equal((await client.next()).packet.kind, 'oack');
});

/** Packet by packet: order, loss, repetition, strangers and clients that go away, over real sockets. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { waitFor } from '@ironbus/testkit';
import { encodeAck, encodeData, encodeError, encodeOack, encodeRrq, encodeWrq, TftpError, toNetascii, type TftpOption, type TftpPacket } from '@ironbus/wire';
import { fetchFile, isBlock, nextWhere, openClient, type Client, type Received } from './testing/client.ts';
import { contentOf, serve, type Served } from './testing/served.ts';

const loader = contentOf(100_003);
const short = contentOf(100);
const text = Buffer.from('a\nb\rc\r\n'.repeat(200));

const words = (pairs: string): TftpOption[] => pairs.split(' ').map((pair) => ({ name: pair.split('=')[0] ?? '', value: pair.split('=')[1] ?? '' }));
const dice = (seed: number) => (): number => { seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0; return seed / 2 ** 32; };

for (const [how, nativeIo] of [['native sockets', 'true'], ['Node’s sockets', 'false']] as const) {
describe(how, () => {
  let served: Served;
  before(async () => { served = await serve({ 'ipxe.efi': loader, 'grub.cfg': text, 'short.cfg': short }, { TFTP_RETRANSMIT_SECONDS: '0.1', TFTP_MAX_TRIES: '3', TFTP_NATIVE_IO: nativeIo }); });
  after(() => served[Symbol.asyncDispose]());

  const ask = (client: Client, file: string, pairs: string): void => client.send(encodeRrq(file, words(pairs)), served.port);
  const blockOf = ({ packet }: Received): number => packet.kind === 'data' ? packet.block : -1;
  const idle = (): Promise<true> => waitFor(() => served.service.running() === 0, { what: 'no transfer going on' });

  async function refusal(bytes: Uint8Array): Promise<TftpPacket> {
    await using client = await openClient();
    client.send(bytes, served.port);
    return (await client.next()).packet;
  }

  test('OVMF: tsize is asked for, the OACK answers in the order asked, ERROR 8 ends it, the second request from the same port is served', async () => {
    await using client = await openClient();
    ask(client, 'ipxe.efi', 'tsize=0 blksize=1468 windowsize=4');
    const probe = await client.next();
    assert.deepEqual(probe.packet, { kind: 'oack', options: words('tsize=100003 blksize=1468 windowsize=4') });
    assert.notEqual(probe.from.port, served.port);
    client.send(encodeError(TftpError.optionRefused, 'User aborted the transfer'), probe.from.port);
    await idle();
    const { data } = await waitFor(() => served.seen('tftp.failed', 'ipxe.efi')[0]);
    assert.equal((data as { reason: string }).reason, 'client-aborted: 8 User aborted the transfer');
    ask(client, 'ipxe.efi', 'blksize=1468 windowsize=4');
    const { packet, from } = await client.next();
    assert.deepEqual(packet, { kind: 'oack', options: words('blksize=1468 windowsize=4') });
    client.send(encodeAck(0), from.port);
    const blocks = [await client.next(), await client.next(), await client.next(), await client.next()].map(blockOf);
    assert.deepEqual(blocks, [1, 2, 3, 4]);
    client.send(encodeError(TftpError.notDefined, 'enough'), from.port);
    await idle();
  });

  test('the abort was lost: a request with other options from the same port starts anew', async () => {
    await using client = await openClient();
    ask(client, 'ipxe.efi', 'tsize=0 blksize=1468 windowsize=4');
    await client.next();
    ask(client, 'ipxe.efi', 'blksize=1468');
    const second = await client.next();
    assert.deepEqual(second.packet, { kind: 'oack', options: words('blksize=1468') });
    assert.equal(served.service.running(), 1);
    client.send(encodeError(TftpError.notDefined, 'enough'), second.from.port);
    await idle();
  });

  test('a request sent twice leads to one transfer', async () => {
    await using client = await openClient();
    for (let times = 0; times < 3; times++) ask(client, 'ipxe.efi', 'blksize=1468');
    const first = await client.next();
    assert.equal(served.service.running(), 1);
    client.send(encodeAck(0), first.from.port);
    const data = await client.next();
    assert.deepEqual([data.from.port, blockOf(data)], [first.from.port, 1]);
    client.send(encodeError(TftpError.notDefined, 'enough'), first.from.port);
    await idle();
  });

  test('the same request from the same port right after the last ACK is answered, every time', async () => {
    await using client = await openClient();
    for (let times = 0; times < 200; times++) {
      client.send(encodeRrq('short.cfg'), served.port);
      const { packet, from } = await client.next();
      assert.equal(packet.kind === 'data' && packet.payload.length, short.length);
      client.send(encodeAck(1), from.port);
    }
    await idle();
    await waitFor(() => served.seen('tftp.completed', 'short.cfg').length === 200);
  });

  test('a client that was reset in the middle of a transfer asks the same from the same port: it gets the file from its start', async () => {
    await using client = await openClient();
    const request = encodeRrq('ipxe.efi', words('blksize=1468'));
    client.send(request, served.port);
    const before = await client.next();
    client.send(encodeAck(0), before.from.port);
    client.send(encodeAck(1), before.from.port);
    for (let times = 0; times < 2; times++) await nextWhere(client, isBlock(2));
    client.send(request, served.port);
    const after = await nextWhere(client, ({ kind }) => kind === 'oack');
    assert.notEqual(after.from.port, before.from.port);
    client.send(encodeAck(0), after.from.port);
    await nextWhere(client, isBlock(1));
    assert.equal(served.service.running(), 1);
    client.send(encodeError(TftpError.notDefined, 'enough'), after.from.port);
    await idle();
  });

  test('a stranger gets error 5, and the transfer goes on', async () => {
    await using stranger = await openClient();
    let told = false;
    const got = await fetchFile(served.port, { file: 'ipxe.efi', onPacket: ({ from }) => { if (!told) stranger.send(encodeAck(1), from.port); told = true; } });
    assert.ok(got.equals(loader));
    const { packet } = await stranger.next();
    assert.equal(packet.kind === 'error' && packet.code, TftpError.unknownTransferId);
  });

  for (const options of [{}, { blksize: 1024 }, { blksize: 1468, windowsize: 4 }, { windowsize: 16 }]) {
    test(`a tenth of all DATA and ACK is lost: ${JSON.stringify(options)}`, async () => {
      const roll = dice(7);
      const got = await fetchFile(served.port, { file: 'ipxe.efi', options, loses: () => roll() < 0.1 });
      assert.ok(got.equals(loader));
    });
  }

  for (const options of [{}, { blksize: 1468, windowsize: 4 }]) {
    test(`every ACK comes twice (${JSON.stringify(options)}): no block is sent twice for it in lock-step`, async () => {
      let packets = 0;
      const got = await fetchFile(served.port, { file: 'ipxe.efi', options, ackTimes: 2, onPacket: ({ packet }) => { packets += packet.kind === 'data' ? 1 : 0; } });
      assert.ok(got.equals(loader));
      if (!('windowsize' in options)) assert.equal(packets, Math.floor(loader.length / 512) + 1);
    });
  }

  test('a client that went away is forgotten, and told of', async () => {
    await using client = await openClient();
    ask(client, 'grub.cfg', 'blksize=512');
    const { from } = await client.next();
    client.send(encodeAck(0), from.port);
    await idle();
    assert.deepEqual(client.waiting.map(blockOf), [1, 1, 1, 1]);
    const failed = await waitFor(() => served.seen('tftp.failed', 'grub.cfg')[0]);
    assert.deepEqual([(failed.data as { reason: string }).reason, failed.nodeid], ['client-gone', 'k7x2mp']);
  });

  test('a client that asks for a long timeout can not hold a transfer for hours: the option is left out', async () => {
    await using client = await openClient();
    ask(client, 'grub.cfg', 'timeout=255 blksize=512');
    assert.deepEqual((await client.next()).packet, { kind: 'oack', options: words('blksize=512') });
    await idle();
  });

  test('netascii is translated, and tsize is the size on the wire', async () => {
    await using client = await openClient();
    client.send(encodeRrq('grub.cfg', words('tsize=0 blksize=65464'), 'netascii'), served.port);
    const wire = Buffer.from(toNetascii(text));
    const { packet, from } = await client.next();
    assert.deepEqual(packet, { kind: 'oack', options: words(`tsize=${wire.length} blksize=1468`) });
    client.send(encodeAck(0), from.port);
    const first = await client.next();
    assert.ok(first.packet.kind === 'data' && wire.subarray(0, 1468).equals(first.packet.payload));
    client.send(encodeError(TftpError.notDefined, 'enough'), from.port);
    await idle();
  });

  test('garbage is survived, and what is no request is refused', async () => {
    await using client = await openClient();
    const roll = dice(11);
    for (let count = 0; count < 300; count++) client.send(Buffer.from(Array.from({ length: Math.floor(roll() * 60) }, () => Math.floor(roll() * 256))), served.port);
    for (const bytes of [[], [0], [0, 1], [0, 1, 65], [0, 1, 65, 0], [0, 1, 0, 111, 0], [0, 9, 0, 0], [0, 4]]) client.send(Buffer.from(bytes), served.port);
    const refused = async (bytes: Uint8Array): Promise<number> => { const packet = await refusal(bytes); return packet.kind === 'error' ? packet.code : -1; };
    assert.equal(await refused(encodeWrq('x')), TftpError.accessViolation);
    assert.equal(await refused(encodeRrq('../manifest.json')), TftpError.accessViolation);
    assert.equal(await refused(encodeRrq('nothing')), TftpError.fileNotFound);
    assert.equal(await refused(encodeRrq('grub.cfg', [], 'mail')), TftpError.illegalOperation);
    assert.equal(await refused(encodeAck(3)), TftpError.unknownTransferId);
    for (const bytes of [[0, 9, 0, 0], [1, 1, 65, 0]]) assert.equal(await refused(Buffer.from(bytes)), TftpError.illegalOperation);
    assert.ok((await fetchFile(served.port, { file: '/loaders/ipxe.efi', options: { blksize: 1468 } })).equals(loader));
  });

  for (const [reason, request] of [['unterminated', '\0\x01cut.efi\0octet'], ['option-without-name', '\0\x01empty.efi\0octet\0\x000\0'], ['no-file-name', '\0\x01\0octet\0']] as const) {
    test(`a request that can not be read is refused and published: ${reason}`, async () => {
      const packet = await refusal(Buffer.from(request, 'latin1'));
      assert.deepEqual(packet, { kind: 'error', code: TftpError.illegalOperation, message: reason });
      const [file = ''] = request.slice(2).split('\0');
      await waitFor(() => served.seen('tftp.refused', file).some((event) => (event.data as { reason: string }).reason === reason));
    });
  }

  test('what the client itself sends on its transfer’s port, and what strangers send there, does not disturb it', async () => {
    await using client = await openClient();
    await using stranger = await openClient();
    ask(client, 'ipxe.efi', 'blksize=1024 windowsize=2');
    const { from } = await client.next();
    const noise = [encodeData(1, Buffer.from('x')), encodeOack(words('blksize=8')), encodeRrq('ipxe.efi'), Buffer.of(), Buffer.of(0), Buffer.of(0, 4), Buffer.of(0, 4, 0), Buffer.of(0, 9, 0, 0), Buffer.of(4, 0, 0, 0), Buffer.alloc(1400, 4)];
    for (const bytes of noise) client.send(bytes, from.port);
    for (const bytes of [...noise, encodeAck(0), encodeAck(2)]) stranger.send(bytes, from.port);
    for (let count = 0; count < noise.length + 2; count++) {
      const { packet } = await stranger.next();
      assert.equal(packet.kind === 'error' && packet.code, TftpError.unknownTransferId);
    }
    stranger.send(encodeError(TftpError.notDefined, 'not yours'), from.port);
    client.send(encodeAck(0), from.port);
    for (const block of [1, 2]) await nextWhere(client, isBlock(block));
    assert.equal(served.service.running(), 1);
    client.send(encodeError(TftpError.notDefined, 'enough'), from.port);
    await idle();
  });

  test('an ACK that comes again after the end is left unanswered: an error could end the client’s next transfer', async () => {
    await using client = await openClient();
    ask(client, 'grub.cfg', 'blksize=1468');
    const { from } = await client.next();
    client.send(encodeAck(0), from.port);
    await nextWhere(client, isBlock(1));
    for (let times = 0; times < 3; times++) client.send(encodeAck(1), from.port);
    await idle();
    client.send(encodeAck(1), from.port);
    ask(client, 'ipxe.efi', 'blksize=1468');
    const next = await nextWhere(client, ({ kind }) => kind !== 'data');
    assert.deepEqual([next.packet.kind, next.from.port === from.port], ['oack', false]);
    client.send(encodeError(TftpError.notDefined, 'enough'), next.from.port);
    await idle();
    assert.deepEqual(client.waiting.filter(({ packet }) => packet.kind === 'error'), []);
  });

  test('more requests from one port than there are ports to send from: the newest is served', async () => {
    await using client = await openClient();
    const seen = new Set<number>();
    for (let blksize = 600; blksize < 620; blksize++) {
      ask(client, 'ipxe.efi', `blksize=${blksize}`);
      const answer = await nextWhere(client, (packet) => isDeepStrictEqual(packet, { kind: 'oack', options: words(`blksize=${blksize}`) }));
      seen.add(answer.from.port);
    }
    assert.ok(seen.size > 1, 'a transfer’s id is not always the same');
    assert.equal(served.service.running(), 1);
    await idle();
  });

  test('the last ACK is lost: the last block again, and with its ACK the transfer is done', async () => {
    await using client = await openClient();
    ask(client, 'grub.cfg', 'blksize=1024');
    const { from } = await client.next();
    client.send(encodeAck(0), from.port);
    await nextWhere(client, isBlock(1));
    client.send(encodeAck(1), from.port);
    for (let times = 0; times < 2; times++) await nextWhere(client, isBlock(2));
    client.send(encodeAck(2), from.port);
    await idle();
    const completed = await waitFor(() => served.seen('tftp.completed', 'grub.cfg').find((event) => (event.data as { blockBytes: number }).blockBytes === 1024));
    assert.ok((completed.data as { retransmitted: number }).retransmitted >= 1);
  });
});
}

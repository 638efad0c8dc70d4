/** A datagram whose source port is 0, which UDP allows (RFC 768): nobody can be answered, and the service goes on. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import { encodeAck, encodeError, encodeRrq, encodeWrq, TftpError } from '@ironbus/wire';
import { addressNumber } from './shell/memory.ts';
import { openNative } from './shell/native.ts';
import { Sender } from './shell/sender.ts';
import { fetchFile, openClient } from './testing/client.ts';
import { contentOf, serve, type Served } from './testing/served.ts';

const skip = process.getuid?.() === 0 ? false : 'raw sockets need root: run this test as root';
const loader = contentOf(5_000);
/** What would have ended the process: the test runner keeps it alive and blames no test. */
const defects: unknown[] = [];
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (defect) => defects.push(defect));
const [AF_INET, SOCK_RAW_CLOEXEC, IPPROTO_UDP] = [2, 3 | 0x80000, 17];

/** Sends UDP from port 0 to these ports of 127.0.0.1. */
function sendFromPortZero(ports: readonly number[], payload: Uint8Array): void {
  const opened = openNative();
  assert.ok(opened.ok);
  const { libc: native } = opened;
  const fd = native.socket(AF_INET, SOCK_RAW_CLOEXEC, IPPROTO_UDP);
  const sender = new Sender(native);
  for (const port of ports) {
    const datagram = Buffer.alloc(8 + payload.length);
    datagram.writeUInt16BE(port, 2);
    datagram.writeUInt16BE(datagram.length, 4);
    datagram.set(payload, 8);
    const bytes = Uint8Array.from(datagram);
    sender.packet({ address: addressNumber('127.0.0.1'), port: 0 }, { at: native.addressOf(bytes), length: bytes.length }, undefined);
    sender.flush(fd, (_tag, errno) => assert.fail(native.errorName(errno)));
  }
  native.close(fd);
}

for (const [name, env] of [['native sockets', {}], ['Node’s sockets', { TFTP_NATIVE_IO: 'false' }], ['one port', { TFTP_SINGLE_PORT: 'true' }]] as const) {
  describe(name, { skip }, () => {
    let served: Served;
    before(async () => { served = await serve({ 'ipxe.efi': loader }, env); });
    after(() => served[Symbol.asyncDispose]());

    test('requests, writes, strangers’ packets and garbage from port 0 are left unanswered', async () => {
      await using client = await openClient();
      client.send(encodeRrq('ipxe.efi', []), served.port);
      const { from } = await client.next();
      for (const bytes of [encodeRrq('ipxe.efi'), encodeRrq('nothing'), encodeRrq('../x'), encodeWrq('x'), encodeAck(1), Uint8Array.of(9)]) sendFromPortZero([served.port, from.port], bytes);
      assert.ok((await fetchFile(served.port, { file: 'ipxe.efi' })).equals(loader));
      client.send(encodeError(TftpError.notDefined, 'enough'), from.port);
      await waitFor(() => served.service.running() === 0);
      assert.deepEqual([defects.splice(0), served.seen('tftp.refused')], [[], []]);
    });
  });
}

/** Requests and answers with something wrong in them, thousands, from the same seed the same; beside them a good client gets its file every time. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import { decodeTftp, encodeAck, encodeError, encodeOack, encodeRrq, encodeWrq, type TftpOption } from '@ironbus/wire';
import { fetchFile } from './testing/client.ts';
import { contentOf, serve, type Served } from './testing/served.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20261121);
const rounds = 25;
const packetsPerRound = 120;
const loader = contentOf(60_001);

type Roll = (below: number) => number;
const dice = (state: number): Roll => (below) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor(state / 2 ** 32 * below);
};
const pick = <T>(roll: Roll, from: readonly T[]): T => from[roll(from.length)] as T;

const files = ['ipxe.efi', '/ipxe.efi', 'IPXE.EFI', 'grub/grub.cfg', '../manifest.json', '..\\..\\etc\\passwd', '%2e%2e/x', 'agent/amd64/initrd.img', 'x'.repeat(400), 'é', ' ', '\n'];
const values = ['0', '1', '7', '8', '512', '1432', '65464', '65465', '65535', '65536', '-1', '1e3', '0x10', '', ' 8', '99999999999999999999', 'NaN'];
const names = ['blksize', 'tsize', 'timeout', 'windowsize', 'BLKSIZE', 'multicast', 'utimeout', '__proto__', 'constructor'];

function request(roll: Roll): Uint8Array {
  const options: TftpOption[] = Array.from({ length: roll(6) }, () => ({ name: pick(roll, names), value: pick(roll, values) }));
  const encode = roll(12) === 0 ? encodeWrq : encodeRrq;
  return encode(pick(roll, files), options, pick(roll, ['octet', 'OCTET', 'netascii', 'mail', '']));
}

const answer = (roll: Roll, block: number): Uint8Array => pick(roll, [
  encodeAck(block), encodeAck(block), encodeAck(block + 1), encodeAck(roll(65_536)), encodeAck(0), encodeOack([{ name: 'blksize', value: '8' }]),
  encodeError(roll(70_000) & 0xffff, 'enough'), request(roll), Uint8Array.of(0, 3, block >>> 8, block, 1),
]);

/** Whole, cut short, with bytes changed, with bytes added, or doubled. */
function mutate(roll: Roll, bytes: Uint8Array): Uint8Array {
  switch (roll(6)) {
    case 0: return bytes.subarray(0, roll(bytes.length + 1));
    case 1: case 2: {
      const changed = Uint8Array.from(bytes);
      for (let times = 0; times <= roll(4); times++) changed[roll(changed.length)] = roll(256);
      return changed;
    }
    case 3: return Buffer.concat([bytes, Uint8Array.from({ length: roll(600) }, () => roll(256))]);
    case 4: return Buffer.concat([bytes, bytes]);
    default: return bytes;
  }
}

async function openFuzzers(count: number, roll: Roll): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'));
  for (const socket of sockets) {
    socket.on('message', (bytes, from) => {
      const decoded = decodeTftp(bytes);
      assert.ok(decoded.ok, `the server sent ${bytes.toString('hex')}`);
      if (decoded.packet.kind !== 'error' && roll(3) > 0) socket.send(mutate(roll, answer(roll, decoded.packet.kind === 'data' ? decoded.packet.block : 0)), from.port, '127.0.0.1');
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
  return sockets;
}

const modes: readonly [name: string, env: Record<string, string>][] = [['native sockets', {}], ['Node’s sockets', { TFTP_NATIVE_IO: 'false' }], ['one port', { TFTP_SINGLE_PORT: 'true' }]];
for (const [name, env] of modes) {
  describe(name, () => {
    let served: Served;
    before(async () => { served = await serve({ 'ipxe.efi': loader, 'agent/amd64/initrd.img': contentOf(9_001) }, { TFTP_RETRANSMIT_SECONDS: '0.1', TFTP_MAX_TRIES: '4', ...env }); });
    after(() => served[Symbol.asyncDispose]());

    test(`${rounds * packetsPerRound} wrong packets hurt nobody (FUZZ_SEED=${seed})`, async () => {
      const roll = dice(seed);
      const fuzzers = await openFuzzers(12, roll);
      for (let round = 0; round < rounds; round++) {
        for (let count = 0; count < packetsPerRound; count++) pick(roll, fuzzers).send(mutate(roll, request(roll)), served.port, '127.0.0.1');
        const options = pick(roll, [{}, { blksize: 1432 }, { blksize: 1432, windowsize: 8 }, { blksize: 600, windowsize: 16, tsize: 0 }]);
        assert.ok((await fetchFile(served.port, { file: 'ipxe.efi', options })).equals(loader), `round ${round}`);
      }
      for (const fuzzer of fuzzers) fuzzer.close();
      await waitFor(() => served.service.running() === 0, { what: 'all transfers over', timeoutMs: 30_000 });
      assert.ok((await fetchFile(served.port, { file: 'ipxe.efi', options: { blksize: 1432 } })).equals(loader));
    });
  });
}

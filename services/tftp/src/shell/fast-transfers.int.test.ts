/** The thread that sends: it is there while there is something to send, and never in the way of the end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import { encodeAck } from '@ironbus/wire';
import { openClient } from '../testing/client.ts';
import { contentOf } from '../testing/served.ts';
import { openFastTransfers } from './fast-transfers.ts';
import { openNative } from './native.ts';
import type { Wanted } from './run-transfer.ts';

const opened = openNative();
assert.ok(opened.ok);
const { libc: native } = opened;
const wanted = (port: number, content: Buffer): Wanted => ({ peer: { address: '127.0.0.1', port }, content, agreed: { blockBytes: 512, windowBlocks: 4, timeoutSeconds: 1, oack: [] }, maxTries: 3 });
const threads = (): number => readdirSync('/proc/self/task').filter((task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').startsWith('tftp-transfers')).length;

test('the thread ends when nothing was sent for a while, and the next transfer has another', async () => {
  const fast = openFastTransfers(native, '127.0.0.1', { idleForMs: 20 });
  await using client = await openClient();
  for (let times = 0; times < 3; times++) {
    assert.equal(threads(), 0);
    const running = fast.run(wanted(client.port, contentOf(1000)));
    const [first, second] = [await client.next(), await client.next()];
    assert.deepEqual([first.packet.kind === 'data' && first.packet.block, second.packet.kind === 'data' && second.packet.payload.length], [1, 488]);
    assert.equal(threads(), 1);
    client.send(encodeAck(2), second.from.port);
    assert.deepEqual(await running.ended, { ok: true, bytes: 1000, retransmitted: 0 });
    await waitFor(() => threads() === 0);
  }
  await fast.stop();
});

test('stopping ends every transfer, and says so', async () => {
  const fast = openFastTransfers(native, '127.0.0.1');
  await using client = await openClient();
  const running = [fast.run(wanted(client.port, contentOf(5000))), fast.run(wanted(client.port, contentOf(0)))];
  await client.next();
  running[1]?.stop();
  assert.deepEqual(await running[1]?.ended, { ok: false, reason: 'stopped', bytes: 0 });
  await fast.stop();
  assert.deepEqual(await running[0]?.ended, { ok: false, reason: 'stopped', bytes: 0 });
  assert.equal(threads(), 0);
});

test('an address of another host: the transfer fails and says why', async () => {
  const fast = openFastTransfers(native, '192.0.2.1');
  assert.deepEqual(await fast.run(wanted(9, contentOf(1))).ended, { ok: false, reason: 'send-failed', bytes: 0, message: 'no port for transfers: EADDRNOTAVAIL' });
  await fast.stop();
});

for (const [how, code] of [['process.exit(7)', 7], ['throw new Error("a defect")', 1]] as const) {
  test(`a process that ends in the middle of a transfer is not held by it: ${how}`, async () => {
    const program = `
      import { openFastTransfers } from ${JSON.stringify(new URL('fast-transfers.ts', import.meta.url).href)};
      import { openNative } from ${JSON.stringify(new URL('native.ts', import.meta.url).href)};
      import { createSocket } from 'node:dgram';
      const client = createSocket('udp4').bind(0, '127.0.0.1', () => {
        openFastTransfers(openNative().libc, '127.0.0.1').run({ peer: client.address(), content: Buffer.alloc(9999), agreed: { blockBytes: 512, windowBlocks: 1, timeoutSeconds: 60, oack: [] }, maxTries: 9 });
      });
      client.once('message', () => setTimeout(() => { ${how} }, 50)); // until the thread sleeps`;
    const child = spawn(process.execPath, ['--eval', program], { stdio: 'ignore', timeout: 30_000 });
    assert.deepEqual(await once(child, 'exit'), [code, null]);
  });
}

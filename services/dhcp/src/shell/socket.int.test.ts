import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import { checked, requireNative } from './raw-socket.ts';
import { openDeviceSocket } from './socket.ts';

/** Four of each of five thousand machines. */
const packets = 20_000;
const discoverBytes = 400;
const notRoot = process.getuid?.() === 0 ? false : 'more than net.core.rmem_max needs CAP_NET_ADMIN: run this test as root';

test('a storm of DISCOVERs that comes before the loop looks at the socket is heard to the last', { skip: notRoot }, async () => {
  const [port, native] = [await freePort(), requireNative()];
  let heard = 0;
  const socket = await openDeviceSocket({ device: 'lo', port, role: 67, others: false, onPacket: () => { heard += 1; }, onError: (error) => { throw error; } });
  const sender = checked(native, native.socket(2, 2, 0), 'a socket');
  try {
    const address = Buffer.alloc(16);
    address.writeUInt16LE(2, 0);
    address.writeUInt16BE(port, 2);
    address.set([127, 0, 0, 1], 4);
    // In one turn of the loop: nothing is read meanwhile.
    for (let n = 0; n < packets; n += 1) checked(native, native.sendto(sender, Buffer.alloc(discoverBytes), discoverBytes, 0, address, address.length), 'sending');
    await waitFor(() => heard === packets, { what: 'all of them to be heard', timeoutMs: 5_000 }).catch(() => assert.fail(`${heard} of ${packets} were heard`));
  } finally {
    native.close(sender);
    await socket.close();
  }
});

async function freePort(): Promise<number> {
  const probe = createSocket('udp4').bind(0);
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

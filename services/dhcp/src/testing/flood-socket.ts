/** A client's socket: bound to one device, on port 68 or any free one, allowed to broadcast. */
import { createSocket, type Socket } from 'node:dgram';
import { bindToDevice, descriptorOf, openNative } from '../shell/native.ts';

export async function openClientSocket(device: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true, recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
  await new Promise<void>((resolve) => { socket.bind({ port, address: '0.0.0.0' }, () => resolve()); });
  const native = openNative();
  if (!native.ok) throw new Error(native.why);
  const bound = bindToDevice(native.libc, descriptorOf(socket) ?? -1, device);
  if (!bound.ok) throw new Error(bound.why);
  socket.setBroadcast(true);
  return socket;
}

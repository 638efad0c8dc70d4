/**
 * One UDP socket per device, bound to it by SO_BINDTODEVICE: which network a broadcast came from is then certain, and an
 * answer to 255.255.255.255 leaves through the same device. Without koffi a single device is served by an ordinary socket.
 */
import { createSocket, type Socket } from 'node:dgram';
import { IronbusError } from '@ironbus/contracts';
import { parseIpv4 } from '@ironbus/wire';
import { bindToDevice, descriptorOf, openNative } from './native.ts';
import { forceReceiveBuffer, sendNow } from './raw-socket.ts';

/** `port` is the protocol's number, whatever the configuration makes of it: 67, or 4011 for boot servers. */
export type Received = { bytes: Buffer; from: { address: string; port: number }; device: string; port: 67 | 4011 };
export type DeviceSocket = {
  readonly device: string;
  /** False for the fallback: its broadcasts go to the subnet's own broadcast address instead. */
  readonly boundToDevice: boolean;
  send(bytes: Uint8Array, port: number, address: string, done: (error: Error | null) => void): void;
  close(): Promise<void>;
};
export type SocketOptions = {
  device: string; port: number; role: Received['port']; onPacket: (received: Received) => void; onError: (error: Error) => void;
  /** Another device is served already: the fallback would hear its packets too. */
  others: boolean;
};

const AF_INET = 2;
/** A DISCOVER takes about 1.3 KB of the kernel's buffer: five thousand machines switched on at once must fit. */
const receiveBytes = 16 * 1024 * 1024;

/** Throws PORT_UNAVAILABLE, with what to do about it. */
export async function openDeviceSocket(options: SocketOptions): Promise<DeviceSocket> {
  const { device, port, role } = options;
  const socket = createSocket({ type: 'udp4', reuseAddr: true, recvBufferSize: receiveBytes, sendBufferSize: 4 * 1024 * 1024 });
  try {
    await bind(socket, port);
    const why = limitToDevice(socket, device);
    if (why !== undefined && options.others) throw new IronbusError('PORT_UNAVAILABLE', `${device} can not be served beside other devices: ${why}`);
    socket.setBroadcast(true);
    socket.on('error', options.onError);
    socket.on('message', (bytes, from) => options.onPacket({ bytes, from, device, port: role }));
    return {
      device, boundToDevice: why === undefined,
      send: senderOf(socket),
      close: () => new Promise((resolve) => { socket.close(() => resolve()); }),
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Through libc where it can be: half of what node:dgram costs. What a full buffer does not take at once, dgram sends when there is room. */
export function senderOf(socket: Socket): DeviceSocket['send'] {
  const native = openNative();
  const fd = descriptorOf(socket);
  if (!native.ok || fd === undefined) return (bytes, port, address, done) => socket.send(bytes, port, address, done);
  const to = Buffer.alloc(16);
  to.writeUInt16LE(AF_INET, 0);
  return (bytes, port, address, done) => {
    to.writeUInt16BE(port, 2);
    to.writeUInt32BE(parseIpv4(address) ?? 0, 4);
    const sent = sendNow(native.libc, fd, bytes, to);
    if (!sent.ok && sent.why === 'EAGAIN') socket.send(bytes, port, address, done);
    else done(sent.ok ? null : new Error(sent.why));
  };
}

function bind(socket: Socket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      const remedy = cause.code === 'EACCES' ? ': give the process CAP_NET_BIND_SERVICE' : cause.code === 'EADDRINUSE' ? ': another DHCP server runs on this host' : '';
      reject(new IronbusError('PORT_UNAVAILABLE', `UDP port ${port} can not be opened (${cause.code ?? cause.message})${remedy}`, { cause }));
    };
    socket.once('error', onError);
    socket.bind({ port, address: '0.0.0.0' }, () => { socket.off('error', onError); resolve(); });
  });
}

/** Why the socket is not limited to its device; undefined when it is. */
function limitToDevice(socket: Socket, device: string): string | undefined {
  const native = openNative();
  if (!native.ok) return native.why;
  const fd = descriptorOf(socket);
  if (fd === undefined) return `this Node (${process.version}) does not tell the descriptor of a socket`;
  forceReceiveBuffer(native.libc, fd, receiveBytes); // without CAP_NET_ADMIN net.core.rmem_max stays the most there is
  const bound = bindToDevice(native.libc, fd, device);
  return bound.ok ? undefined : bound.why;
}

/**
 * An AF_PACKET socket on one Ethernet device (packet(7)): whole frames, beside the kernel's own IP, so that it disturbs no
 * program that has the port. A filter runs in the kernel before anything wakes this process. Needs CAP_NET_RAW and koffi.
 */
import { attachFilter, checked, forceReceiveBuffer, loopFlags, readInLoop, requireNative, sendNow, unavailable, type Sent } from './raw-socket.ts';
import type { Native } from './native.ts';
import { nothing } from '../core/socket-filter.ts';

export type PacketSocket = {
  /** The device's own hardware address. */
  readonly mac: Uint8Array;
  send(frame: Uint8Array): Sent;
  filter(program: Uint8Array): void;
  close(): Promise<void>;
};
export type PacketOptions = {
  device: string; index: number;
  /** The EtherType that is heard. */
  protocol: number; filter: Uint8Array;
  /** A hardware address that the device is to take frames for besides its own. */
  alsoTo?: Uint8Array;
  /** Room for frames that wait, beyond what net.core.rmem_max allows where the process has CAP_NET_ADMIN; the kernel's default unless told. */
  receiveBytes?: number;
  onFrame: (frame: Buffer) => void; onError: (error: Error) => void;
};

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ARPHRD_ETHER = 1;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_UNICAST = 3;
const macBytes = 6;

/** Throws PORT_UNAVAILABLE with what is missing: koffi, CAP_NET_RAW, the device, or that it is no Ethernet. */
export function openPacketSocket(options: PacketOptions): PacketSocket {
  const native = requireNative();
  const raw = checked(native, native.socket(AF_PACKET, SOCK_RAW | loopFlags, 0), 'a packet socket');
  try {
    const mac = configure(native, raw, options);
    const socket = readInLoop(native, raw);
    if (options.receiveBytes !== undefined) forceReceiveBuffer(native, raw, options.receiveBytes);
    socket.on('message', (frame) => options.onFrame(frame));
    socket.on('error', options.onError);
    return {
      mac, send: (frame) => sendNow(native, raw, frame), filter: (program) => attachFilter(native, raw, program),
      close: () => new Promise((resolve) => { socket.close(() => { native.close(raw); resolve(); }); }),
    };
  } catch (error) {
    native.close(raw);
    throw error;
  }
}

/** Filter first, then bind: nothing unwanted is ever queued. Returns the device's hardware address. */
function configure(native: Native, raw: number, { device, index, protocol, filter, alsoTo }: PacketOptions): Uint8Array {
  attachFilter(native, raw, nothing);
  checked(native, native.bind(raw, linkAddress(index, protocol), 20), `a packet socket on ${device}`);
  const mac = hardwareAddress(native, raw, device);
  if (alsoTo !== undefined) {
    const request = membership(index, alsoTo);
    checked(native, native.setsockopt(raw, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request, request.length), `a second hardware address on ${device}`);
  }
  attachFilter(native, raw, filter);
  return mac;
}

function hardwareAddress(native: Native, raw: number, device: string): Uint8Array {
  const own = Buffer.alloc(32);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(own.length);
  checked(native, native.getsockname(raw, own, length), `the hardware address of ${device}`);
  if (own.readUInt16LE(8) !== ARPHRD_ETHER || own[11] !== macBytes) throw unavailable(`${device} is no Ethernet device`);
  return Uint8Array.from(own.subarray(12, 12 + macBytes));
}

/** struct sockaddr_ll; the protocol is in network order, everything else in the host's. */
function linkAddress(index: number, protocol: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(AF_PACKET, 0);
  bytes.writeUInt16BE(protocol, 2);
  bytes.writeInt32LE(index, 4);
  return bytes;
}

/** struct packet_mreq. */
function membership(index: number, mac: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 0);
  bytes.writeUInt16LE(PACKET_MR_UNICAST, 4);
  bytes.writeUInt16LE(mac.length, 6);
  bytes.set(mac, 8);
  return bytes;
}

/**
 * DHCP on a segment: frames through one packet socket, each from the hardware address of its machine and from 0.0.0.0, as
 * firmware sends them. Needs CAP_NET_RAW and koffi. Answers come by broadcast, or to the device's own address.
 */
import { readFileSync } from 'node:fs';
import { IronbusError } from '@ironbus/contracts';
import { broadcastFrame, openPacketSocket, readUdpFrame, serverAnswers } from '@ironbus/dhcp';
import { parseMac } from '@ironbus/wire';
import { Answers, type DhcpWire } from './dhcp-wire.ts';

const ports = { sourcePort: 68, targetPort: 67 };
const ethertypeIpv4 = 0x0800;
/** Thousands of answers come in one burst. */
const receiveBytes = 32 * 1024 * 1024;

/** Throws an IronbusError with what is missing. */
export function openSegment(device: string, onError: (error: Error) => void): DhcpWire {
  const answers = new Answers();
  const index = indexOf(device);
  const socket = openPacketSocket({
    device, index, protocol: ethertypeIpv4, filter: serverAnswers(index), receiveBytes, onError,
    onFrame: (frame) => { const udp = readUdpFrame(frame); if (udp !== undefined) answers.hear(udp.payload); },
  });
  return {
    relay: undefined, listen: (xid, listener) => answers.listen(xid, listener), close: () => socket.close(),
    send(bytes, mac) {
      const sent = socket.send(broadcastFrame({ sourceMac: parseMac(mac) ?? socket.mac, ...ports }, bytes));
      if (!sent.ok) onError(new Error(`a frame could not be sent on ${device}: ${sent.why}`));
    },
  };
}

function indexOf(device: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${device}/ifindex`, 'utf8'));
  } catch (cause) {
    throw new IronbusError('PORT_UNAVAILABLE', `there is no network device ${device}; "ip link" lists those there are`, { cause });
  }
}

/** Sends an answer through the socket of the device that the question came in on. */
import type { Network } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import { broadcastOf, formatIpv4, parseCidr } from '@ironbus/wire';
import type { DeviceSocket } from './socket.ts';

/** `from` is the port that the answer leaves from: the one that the question came to. */
export type Way = { device: string; from: 67 | 4011; to: { address: string; port: number }; network: Network };
export type Send = (bytes: Uint8Array, way: Way) => void;
type Sockets = { get(device: string): DeviceSocket | undefined };

/** An answer whose device went away meanwhile is dropped: the client asks again. */
export function makeSend(sockets: Record<Way['from'], () => Sockets>, log: Logger): Send {
  return (bytes, { device, from, to, network }) => {
    const socket = sockets[from]().get(device);
    if (socket === undefined) return log.debug({ device }, 'answer dropped: the device is gone');
    const prefix = socket.boundToDevice || to.address !== '255.255.255.255' ? undefined : parseCidr(network.cidr);
    socket.send(bytes, to.port, prefix === undefined ? to.address : formatIpv4(broadcastOf(prefix)), (error) => {
      if (error !== null) log.warn({ device, to: to.address, reason: error.message }, 'answer could not be sent');
    });
  };
}

/** Where an answer goes (RFC 2131 §4.1, RFC 1542 §5.4). */
import { messageType, MessageType, type DhcpMessage } from '@ironbus/wire';

export type Ports = { server: number; client: number };
/** Where a datagram came from, as its IP and UDP headers say. */
export type Source = { address: string; port: number };
/** `address` 255.255.255.255 leaves through the device the question came in on. */
export type Destination = { address: string; port: number; how: 'relay' | 'client' | 'broadcast' };

const none = '0.0.0.0';
const everybody = '255.255.255.255';

/**
 * A relay gets it at the server port; a NAK without a relay is broadcast; a client that has an address gets it there;
 * everybody else by broadcast. That covers clients that asked for unicast too: a socket can not write their hardware
 * address, and RFC 2131 §4.1 allows the broadcast where unicast is not possible.
 */
export function replyTo(question: DhcpMessage, answer: DhcpMessage, ports: Ports): Destination {
  // RFC 2131 §4.3.5: the answer to an INFORM is sent to the client itself, which has its address already.
  if (messageType(question) === MessageType.inform && question.ciaddr !== none) return { address: question.ciaddr, port: ports.client, how: 'client' };
  if (question.giaddr !== none) return { address: question.giaddr, port: ports.server, how: 'relay' };
  if (messageType(answer) === MessageType.nak) return { address: everybody, port: ports.client, how: 'broadcast' };
  if (question.ciaddr !== none) return { address: question.ciaddr, port: ports.client, how: 'client' };
  return { address: everybody, port: ports.client, how: 'broadcast' };
}

/**
 * The answer to a request at port 4011 goes back to the port it came from: 4011 for EDK2 (PxeBcDhcp4Discover listens there),
 * 68 for iPXE and BIOS ROMs. The address is the client's own (dnsmasq's dhcp_packet). Undefined where it has none.
 */
export function bootServerReplyTo(question: DhcpMessage, source: Source): Destination | undefined {
  const address = question.ciaddr !== none ? question.ciaddr : source.address;
  return address === none ? undefined : { address, port: source.port, how: 'client' };
}

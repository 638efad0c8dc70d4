/** ARP over Ethernet for IPv4 (RFC 826): the probe of RFC 5227 §1.1, and who says that an address is his. */
import { parseIpv4 as addressOf, parseMac, type Ipv4, type Mac } from '@ironbus/contracts';
import { formatIpv4, formatMac, parseIpv4 } from '@ironbus/wire';

/** Everything of the packet in front of the addresses: Ethernet, IPv4, 6 and 4 bytes. */
const etherIpv4 = Buffer.from('0001080006040001', 'hex');
const arpBytes = 42;

/** Sender address 0.0.0.0, so that no neighbour learns anything from it (RFC 5227 §2.1.1). */
export function arpProbe(sourceMac: Uint8Array, address: Ipv4): Buffer {
  const frame = Buffer.alloc(arpBytes);
  frame.fill(0xff, 0, 6);
  frame.set(sourceMac, 6);
  frame.writeUInt16BE(0x0806, 12);
  frame.set(etherIpv4, 14);
  frame.set(sourceMac, 22);
  frame.writeUInt32BE(parseIpv4(address) ?? 0, 38);
  return frame;
}

/**
 * The address that a packet's sender says is its own, by request, reply or announcement (RFC 5227 §2.1.1, §2.3); undefined
 * for a probe and for what is no such packet. A probe of somebody else claims nothing: it may be a sibling's, of a free address.
 */
export function arpSender(frame: Buffer): { address: Ipv4; mac: Mac } | undefined {
  if (frame.length < arpBytes || frame.readUInt16BE(12) !== 0x0806 || frame.compare(etherIpv4, 0, 6, 14, 20) !== 0) return undefined;
  const address = addressOf(formatIpv4(frame.readUInt32BE(28)));
  const mac = parseMac(formatMac(frame.subarray(22, 28)));
  return address === undefined || address === '0.0.0.0' || mac === undefined ? undefined : { address, mac };
}

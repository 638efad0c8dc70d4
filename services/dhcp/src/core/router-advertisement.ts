/**
 * The part of IPv6 neighbour discovery that ends iPXE's wait for a router: solicitations and advertisements as bytes
 * (RFC 4861 §4.1, §4.2), and whether another router is there. Why: docs/adr/0003-router-advertisement.md.
 */
export type Heard = { kind: 'solicitation' } | { kind: 'advertisement'; lifetimeSeconds: number };

const solicitationType = 133;
const advertisementType = 134;
const icmpv6 = 58;

/** Reads an ICMPv6 message; undefined for anything that is no valid solicitation or advertisement (RFC 4861 §6.1). */
export function readNeighbourDiscovery(bytes: Uint8Array): Heard | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 8 || bytes[1] !== 0) return undefined;
  if (bytes[0] === solicitationType) return optionsAreValid(bytes, 8) ? { kind: 'solicitation' } : undefined;
  if (bytes[0] !== advertisementType || bytes.length < 16 || !optionsAreValid(bytes, 16)) return undefined;
  return { kind: 'advertisement', lifetimeSeconds: view.getUint16(6) };
}

/** Every option has a length, in units of 8 bytes, that is not 0 and does not overrun (RFC 4861 §4.6). */
function optionsAreValid(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (at < bytes.length) {
    const length = (bytes[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > bytes.length) return false;
    at += length;
  }
  return true;
}

export type Ends = { source: Uint8Array; destination: Uint8Array };

/**
 * An advertisement that says nothing: lifetime 0 (do not use me as a router), no prefix, no DHCPv6, no options. A host
 * that gets it changes nothing in its configuration (RFC 4861 §6.3.4); iPXE stops waiting.
 */
export function emptyAdvertisement(ends: Ends): Uint8Array {
  return withChecksum(Uint8Array.of(advertisementType, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), ends);
}

/** A solicitation without options: asks the routers that are there to say so. */
export function solicitation(ends: Ends): Uint8Array {
  return withChecksum(Uint8Array.of(solicitationType, 0, 0, 0, 0, 0, 0, 0), ends);
}

/** Puts the checksum over pseudo header and message into bytes 2 and 3 (RFC 4443 §2.3, RFC 8200 §8.1). */
function withChecksum(message: Uint8Array, { source, destination }: Ends): Uint8Array {
  const sum = checksum([source, destination, Uint8Array.of(0, 0, message.length >> 8, message.length & 255, 0, 0, 0, icmpv6), message]);
  message[2] = sum >> 8;
  message[3] = sum & 255;
  return message;
}

/** The internet checksum (RFC 1071) over parts of even length. */
export function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The routers of one link that advertised themselves, until their lifetime is over. */
export class OtherRouters {
  readonly #untilMs = new Map<string, number>();

  hear(address: string, lifetimeSeconds: number, nowMs: number): void {
    if (lifetimeSeconds === 0) this.#untilMs.delete(address);
    else this.#untilMs.set(address, nowMs + lifetimeSeconds * 1_000);
  }

  present(nowMs: number): boolean {
    for (const [address, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(address);
    return this.#untilMs.size > 0;
  }
}

/** 16 bytes of an IPv6 address in text, without its zone; undefined when it is none. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = (text.split('%')[0] ?? '').split('::');
  const groups = halves.map((half) => half === '' ? [] : half.split(':'));
  const [left = [], right = []] = groups;
  const missing = 8 - left.length - right.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const all = [...left, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...right];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}

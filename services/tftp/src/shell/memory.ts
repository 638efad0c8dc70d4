/** Memory that C reads and writes, without an allocation for each use. Linux on 64 bits, little endian (`native.ts` sees to it). */
import type { Native } from './native.ts';

const AF_INET = 2;
export const SOCKADDR_BYTES = 16;

/** The same bytes as numbers of each width; `at` is where they are. */
export type Memory = { at: number; bytes: Buffer; u16: Uint16Array; u32: Uint32Array };
/** `address` is the IPv4 address as a number. */
export type Endpoint = { readonly address: number; readonly port: number };

export function allocate(native: Native, sizeBytes: number): Memory {
  const bytes = Buffer.from(new ArrayBuffer(Math.ceil(sizeBytes / 8) * 8));
  return { at: native.addressOf(bytes), bytes, u16: new Uint16Array(bytes.buffer), u32: new Uint32Array(bytes.buffer) };
}

/** A pointer or size_t in two halves: a BigInt would be allocated. `at` in bytes. */
export function writeWord({ u32 }: Memory, at: number, value: number): void {
  u32[at >>> 2] = value >>> 0;
  u32[(at >>> 2) + 1] = Math.floor(value / 2 ** 32);
}

/** sockaddr_in: the family in the machine's order, the rest in the network's. */
export function writeEndpoint({ bytes, u16 }: Memory, at: number, { address, port }: Endpoint): void {
  u16[at >>> 1] = AF_INET;
  bytes[at + 2] = port >>> 8;
  bytes[at + 3] = port;
  bytes[at + 4] = address >>> 24;
  bytes[at + 5] = address >>> 16;
  bytes[at + 6] = address >>> 8;
  bytes[at + 7] = address;
}

/** 192.0.2.1 as a number. */
export const addressNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

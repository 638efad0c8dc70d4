/** Reads golden/<protocol>/*.hex, annotated bytes made by hand or by capture, never by our encoders. For tests only; not in the face. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseHex } from './hex.ts';

export type Golden = { name: string; bytes: Buffer };

const root = new URL('../golden/', import.meta.url);

/** One golden by name without `.hex`; throws when it is missing or not hex. */
export function readGolden(protocol: 'dhcp' | 'tftp', name: string): Buffer {
  const parsed = parseHex(readFileSync(new URL(`${protocol}/${name}.hex`, root), 'utf8'));
  if (!parsed.ok) throw new Error(`${protocol}/${name}.hex line ${parsed.line}: ${parsed.why}`);
  return Buffer.from(parsed.bytes);
}

/** All goldens of a protocol, by name. */
export function readGoldens(protocol: 'dhcp' | 'tftp'): Golden[] {
  const files = readdirSync(new URL(`${protocol}/`, root)).filter((file) => file.endsWith('.hex')).sort();
  return files.map((file) => ({ name: file.slice(0, -4), bytes: readGolden(protocol, file.slice(0, -4)) }));
}

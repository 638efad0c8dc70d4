/** Addresses and prefixes as numbers, for comparing. Nothing here throws: what is no address is NaN, what is no prefix undefined. */

export type Prefix = { first: number; last: number; length: number };
export type Span = { from: number; to: number };

export function readPrefix(cidr: string): Prefix | undefined {
  const [text = '', digits = ''] = cidr.split('/');
  const address = toNumber(text);
  const length = Number(digits);
  if (Number.isNaN(address) || !/^\d{1,2}$/.test(digits) || length > 32) return undefined;
  const size = 2 ** (32 - length);
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1, length };
}

export const hasHostBits = (cidr: string, prefix: Prefix): boolean => toNumber(cidr.split('/')[0] ?? '') !== prefix.first;

export const prefixText = ({ first, length }: Prefix): string => `${toText(first)}/${length}`;

/** Without network and broadcast address, except in a /31 (RFC 3021) and a /32. */
export const hosts = ({ first, last, length }: Prefix): { first: number; last: number } =>
  (length >= 31 ? { first, last } : { first: first + 1, last: last - 1 });

export const isHost = (prefix: Prefix, address: number): boolean => address >= hosts(prefix).first && address <= hosts(prefix).last;

export const hostsText = (prefix: Prefix): string => `${toText(hosts(prefix).first)} - ${toText(hosts(prefix).last)}`;

/** NaN for what is no dotted quad: every comparison with it is false. */
export function toNumber(address: string): number {
  const parts = address.split('.').map((part) => /^\d{1,3}$/.test(part) && Number(part) < 256 ? Number(part) : Number.NaN);
  return parts.length === 4 ? parts.reduce((sum, part) => sum * 256 + part, 0) : Number.NaN;
}

export const toText = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

export const toSpan = ({ from, to }: { from: string; to: string }): Span => ({ from: toNumber(from), to: toNumber(to) });

export const holdsAddress = (span: Span, address: string): boolean => toNumber(address) >= span.from && toNumber(address) <= span.to;

export const overlap = (one: Span, other: Span): boolean => one.from <= other.to && other.from <= one.to;

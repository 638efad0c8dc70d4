/** Domain names on the wire (RFC 1035 §3.1), and the search list of option 119 with its compression (RFC 3397 §2, RFC 1035 §4.1.4). */

const MAX_LABEL = 63;
const MAX_NAME = 255;
const MAX_POINTER = 0x3fff;
const MAX_HOPS = 127;

/** Reads a list of names, pointers relative to the start of the joined option; undefined on any malformed name. */
export function decodeDomains(bytes: Uint8Array): string[] | undefined {
  const names: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const read = readName(bytes, at);
    if (read === undefined) return undefined;
    if (read.name !== '') names.push(read.name);
    at = read.next;
  }
  return names.length === 0 ? undefined : names;
}

/** One name; pointers may only go backwards, so that no loop is possible. */
function readName(bytes: Uint8Array, start: number): { name: string; next: number } | undefined {
  const labels: string[] = [];
  let at = start;
  let barrier = start;
  let next: number | undefined;
  let wireLength = 1;
  let hops = 0;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name: labels.join('.'), next: next ?? at + 1 };
    if (length >= 0xc0) {
      const low = bytes[at + 1];
      const target = ((length & 0x3f) << 8) | (low ?? 0);
      if (low === undefined || target >= barrier || ++hops > MAX_HOPS) return undefined;
      next ??= at + 2;
      at = barrier = target;
      continue;
    }
    wireLength += length + 1;
    if (length > MAX_LABEL || wireLength > MAX_NAME || at + 1 + length > bytes.length) return undefined;
    labels.push(escapeLabel(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
}

/** Dots, backslashes and bytes that are not printable ASCII inside a label become \DDD (RFC 4343 §2.1). */
function escapeLabel(label: Uint8Array): string {
  let text = '';
  for (const byte of label) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

/** Writes a list of names, each suffix once; an empty or over-long label or name throws RangeError. */
export function encodeDomains(domains: readonly string[]): Uint8Array {
  const bytes: number[] = [];
  const known = new Map<string, number>();
  for (const domain of domains) {
    const labels = splitLabels(domain);
    let pointed = false;
    for (let i = 0; i < labels.length && !pointed; i++) {
      const suffix = labels.slice(i).map(labelKey).join('.');
      const target = known.get(suffix);
      if (target !== undefined) {
        bytes.push(0xc0 | (target >> 8), target & 255);
        pointed = true;
      } else {
        if (bytes.length <= MAX_POINTER) known.set(suffix, bytes.length);
        const label = labels[i] ?? [];
        bytes.push(label.length, ...label);
      }
    }
    if (!pointed) bytes.push(0);
  }
  return Uint8Array.from(bytes);
}

/** One name without compression, ended by the root label (RFC 1035 §3.1); option 81 uses it. */
export function encodeName(name: string): Uint8Array {
  return Uint8Array.from([...splitLabels(name).flatMap((label) => [label.length, ...label]), 0]);
}

/** One uncompressed name of option 81: with its root label it is fully qualified, without a partial one (RFC 4702 §2.3.1). */
export function decodeName(bytes: Uint8Array): { name: string; qualified: boolean } | undefined {
  const labels: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes[at] ?? 0;
    if (length === 0) return { name: labels.join('.'), qualified: true };
    if (length > MAX_LABEL || at + 1 + length > bytes.length) return undefined;
    labels.push(escapeLabel(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return { name: labels.join('.'), qualified: false };
}

function splitLabels(domain: string): number[][] {
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  const labels = name.split('.').map(unescapeLabel);
  const length = labels.reduce((sum, label) => sum + label.length + 1, 1);
  if (length > MAX_NAME || labels.some((label) => label.length === 0 || label.length > MAX_LABEL)) {
    throw new RangeError(`'${domain}' is not a domain name`);
  }
  return labels;
}

function unescapeLabel(label: string): number[] {
  const plain = label.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number(digits)));
  return [...Buffer.from(plain, plain === label ? 'utf8' : 'latin1')];
}

/** Names are compared without regard to ASCII case (RFC 1035 §2.3.3), but suffixes are shared only when equal, to keep the case. */
function labelKey(label: readonly number[]): string {
  return label.join(',');
}

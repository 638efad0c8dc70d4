/** The parts of a MIME message, as far as user-data uses RFC 2045 and 2046 and as Python’s email package, which cloud-init reads with, takes them. Pure. */

/** `line` is where its text begins in the message; a transfer encoding leaves it no lines of its own. */
export type MimePart = { type: string; text: string; line: number; encoded: boolean };
export type MimeProblem = { line: number; message: string };

/** cloud-init takes a message for MIME by this alone (user_data.py, `convert_string`), which is looked for in the first 4096 bytes. */
export const isMime = (text: string): boolean => /mime-version:/i.test(text.slice(0, 4096)) && /^(from |[!-9;-~]+:)/i.test(text);

/** Every part that is none of parts, in order. */
export function mimeParts(text: string, begin = 1): MimePart[] | MimeProblem {
  const lines = text.split(/\r?\n/);
  const end = lines.indexOf('');
  const headers = headersOf(lines.slice(0, end < 0 ? lines.length : end));
  const body = end < 0 ? [] : lines.slice(end + 1);
  const line = begin + (end < 0 ? lines.length : end + 1);
  const contentType = headers.get('content-type') ?? 'text/plain';
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (!type.startsWith('multipart/')) return [{ type, line, ...decode(body.join('\n'), headers.get('content-transfer-encoding') ?? '') }];
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType)?.slice(1).find((one) => one !== undefined);
  if (boundary === undefined) return { line: begin, message: `the Content-Type ${type} names no boundary: write ${type}; boundary="…"` };
  return partsBetween(body, { boundary, line });
}

function partsBetween(body: readonly string[], { boundary, line }: { boundary: string; line: number }): MimePart[] | MimeProblem {
  const ends = body.flatMap((one, index) => one.trimEnd() === `--${boundary}` || one.trimEnd() === `--${boundary}--` ? [index] : []);
  if (ends.length === 0) return { line, message: `no line says --${boundary}, where the first part would begin` };
  const parts: MimePart[] = [];
  for (const [at, index] of ends.entries()) {
    if (body[index]?.trimEnd().endsWith(`${boundary}--`) === true) break;
    const found = mimeParts(body.slice(index + 1, ends[at + 1]).join('\n'), line + index + 1);
    if (!Array.isArray(found)) return found;
    parts.push(...found);
  }
  return parts;
}

/** By lower-case name; a line that begins with white space goes on (RFC 5322 §2.2.3). */
function headersOf(lines: readonly string[]): Map<string, string> {
  const unfolded = lines.join('\n').replace(/\n[ \t]+/g, ' ').split('\n');
  return new Map(unfolded.flatMap((one) => {
    const [, name, value] = /^([!-9;-~]+):\s*(.*)$/.exec(one) ?? [];
    return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value] as const];
  }));
}

function decode(text: string, encoding: string): Pick<MimePart, 'text' | 'encoded'> {
  switch (encoding.trim().toLowerCase()) {
    case 'base64': return { text: Buffer.from(text, 'base64').toString(), encoded: true };
    case 'quoted-printable': return { text: unquote(text), encoded: true };
    default: return { text, encoded: false };
  }
}

/** RFC 2045 §6.7. */
const unquote = (text: string): string =>
  Buffer.from(text.replace(/[ \t]*=\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString();

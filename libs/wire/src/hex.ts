/**
 * Annotated hex, the format of golden/: `#` starts a comment to the end of the line, hex pairs with or without
 * spaces, `00*64` repeats a byte, `"text"` stands for its ASCII bytes.
 */

export type ParsedHex = { ok: true; bytes: Uint8Array } | { ok: false; line: number; why: 'not-hex' };

const TOKEN = /"([^"]*)"|([0-9a-f]{2})\*(\d{1,5})|((?:[0-9a-f]{2})+)/iy;

/** Reads annotated hex; on anything else it returns the line number, counted from 1. */
export function parseHex(text: string): ParsedHex {
  const parts: Buffer[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = stripComment(raw);
    for (let at = 0; at < line.length; ) {
      if (/[\s:]/.test(line[at] ?? '')) {
        at++;
        continue;
      }
      TOKEN.lastIndex = at;
      const token = TOKEN.exec(line);
      if (token === null) return { ok: false, line: index + 1, why: 'not-hex' };
      parts.push(bytesOf(token));
      at = TOKEN.lastIndex;
    }
  }
  return { ok: true, bytes: Buffer.concat(parts) };
}

function bytesOf([, text, repeated, count, digits]: RegExpExecArray): Buffer {
  if (text !== undefined) return Buffer.from(text, 'latin1');
  if (repeated !== undefined) return Buffer.alloc(Number(count), Number.parseInt(repeated, 16));
  return Buffer.from(digits ?? '', 'hex');
}

/** Cuts the line at the first # outside quotes. */
function stripComment(line: string): string {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '"') quoted = !quoted;
    if (line[i] === '#' && !quoted) return line.slice(0, i);
  }
  return line;
}

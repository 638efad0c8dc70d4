/** Bytes to TftpPacket (RFC 1350 §5, RFC 2347). Never throws; a payload is a view of the datagram. */
import { asBuffer, readText } from '../text.ts';
import { type TftpOption, TftpOp, type TftpPacket } from './packets.ts';

export type TftpMalformedReason = 'too-short' | 'unknown-opcode' | 'unterminated' | 'no-file-name' | 'option-without-name';
export type TftpMalformed = { ok: false; at: number; why: TftpMalformedReason };
export type TftpDecoded = { ok: true; packet: TftpPacket } | TftpMalformed;

/** Decodes one datagram. Bytes after an ACK are ignored, and an ERROR may lack its NUL (some boot ROMs leave it out). */
export function decodeTftp(bytes: Uint8Array): TftpDecoded {
  if (bytes.length < 2) return { ok: false, at: bytes.length, why: 'too-short' };
  const op = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  switch (op) {
    case TftpOp.rrq:
    case TftpOp.wrq:
      return decodeRequest(asBuffer(bytes), op === TftpOp.rrq ? 'rrq' : 'wrq');
    case TftpOp.oack:
      return decodeOack(asBuffer(bytes));
    case TftpOp.data:
    case TftpOp.ack:
    case TftpOp.error:
      return decodeNumbered(bytes, op);
    default:
      return { ok: false, at: 0, why: 'unknown-opcode' };
  }
}

function decodeNumbered(bytes: Uint8Array, op: 3 | 4 | 5): TftpDecoded {
  if (bytes.length < 4) return { ok: false, at: bytes.length, why: 'too-short' };
  const number = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (op === TftpOp.ack) return { ok: true, packet: { kind: 'ack', block: number } };
  if (op === TftpOp.data) return { ok: true, packet: { kind: 'data', block: number, payload: bytes.subarray(4) } };
  const nul = bytes.indexOf(0, 4);
  const message = readText(asBuffer(bytes), 4, nul < 0 ? bytes.length : nul);
  return { ok: true, packet: { kind: 'error', code: number, message } };
}

function decodeRequest(b: Buffer, kind: 'rrq' | 'wrq'): TftpDecoded {
  const fileEnd = b.indexOf(0, 2);
  if (fileEnd < 0) return { ok: false, at: 2, why: 'unterminated' };
  if (fileEnd === 2) return { ok: false, at: 2, why: 'no-file-name' };
  const modeEnd = b.indexOf(0, fileEnd + 1);
  if (modeEnd < 0) return { ok: false, at: fileEnd + 1, why: 'unterminated' };
  const read = decodeOptions(b, modeEnd + 1);
  if (!Array.isArray(read)) return read;
  const mode = b.toString('latin1', fileEnd + 1, modeEnd).toLowerCase();
  return { ok: true, packet: { kind, file: readText(b, 2, fileEnd), mode, options: read } };
}

function decodeOack(b: Buffer): TftpDecoded {
  const read = decodeOptions(b, 2);
  return Array.isArray(read) ? { ok: true, packet: { kind: 'oack', options: read } } : read;
}

/** Name, NUL, value, NUL to the end; a tail of NULs alone is padding. */
function decodeOptions(b: Buffer, from: number): TftpOption[] | TftpMalformed {
  const options: TftpOption[] = [];
  const seen = new Set<string>();
  let at = from;
  while (at < b.length) {
    const nameEnd = b.indexOf(0, at);
    if (nameEnd === at) return onlyNuls(b, at) ? options : { ok: false, at, why: 'option-without-name' };
    const valueEnd = nameEnd < 0 ? -1 : b.indexOf(0, nameEnd + 1);
    if (valueEnd < 0) return { ok: false, at, why: 'unterminated' };
    const name = b.toString('latin1', at, nameEnd).toLowerCase();
    if (!seen.has(name)) options.push({ name, value: b.toString('latin1', nameEnd + 1, valueEnd) });
    seen.add(name);
    at = valueEnd + 1;
  }
  return options;
}

function onlyNuls(b: Buffer, from: number): boolean {
  for (let i = from; i < b.length; i++) if (b[i] !== 0) return false;
  return true;
}

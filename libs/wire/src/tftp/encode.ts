/** TftpPacket to bytes (RFC 1350 §5, RFC 2347). Throws RangeError on a caller's mistake: a NUL in a text, a number out of range. */
import { TftpOp, type TftpOption, type TftpPacket } from './packets.ts';

export const DATA_HEADER_BYTES = 4;

/** Encodes any packet; DATA copies its payload, which dataHeader avoids. */
export function encodeTftp(packet: TftpPacket): Uint8Array {
  switch (packet.kind) {
    case 'rrq':
    case 'wrq':
      return withTexts(TftpOp[packet.kind], [packet.file, packet.mode, ...optionTexts(packet.options)]);
    case 'data':
      return encodeData(packet.block, packet.payload);
    case 'ack':
      return encodeAck(packet.block);
    case 'error':
      return encodeError(packet.code, packet.message);
    case 'oack':
      return encodeOack(packet.options);
  }
}

/** Writes the four header bytes of DATA at the start of `into` and returns it; `block` counts on from 1 and wraps modulo 65536. */
export function dataHeader<T extends Uint8Array>(block: number, into: T): T {
  if (into.length < DATA_HEADER_BYTES) throw new RangeError(`a DATA header needs ${DATA_HEADER_BYTES} bytes, not ${into.length}`);
  into[0] = 0;
  into[1] = TftpOp.data;
  into[2] = block >>> 8;
  into[3] = block;
  return into;
}

/** Header and a copy of the payload. */
export function encodeData(block: number, payload: Uint8Array): Uint8Array {
  const bytes = dataHeader(block, Buffer.allocUnsafe(DATA_HEADER_BYTES + payload.length));
  bytes.set(payload, DATA_HEADER_BYTES);
  return bytes;
}

/** `block` wraps modulo 65536. */
export function encodeAck(block: number): Uint8Array {
  return Uint8Array.of(0, TftpOp.ack, block >>> 8, block);
}

export function encodeError(code: number, message: string): Uint8Array {
  if (!Number.isInteger(code) || code < 0 || code > 0xffff) throw new RangeError(`error code ${code} is not in 0..65535`);
  return withTexts(TftpOp.error, [message], [code >>> 8, code & 255]);
}

/** The options a server agrees to, in the order of the request (RFC 2347). */
export function encodeOack(options: readonly TftpOption[]): Uint8Array {
  return withTexts(TftpOp.oack, optionTexts(options));
}

export function encodeRrq(file: string, options: readonly TftpOption[] = [], mode = 'octet'): Uint8Array {
  return withTexts(TftpOp.rrq, [file, mode, ...optionTexts(options)]);
}

export function encodeWrq(file: string, options: readonly TftpOption[] = [], mode = 'octet'): Uint8Array {
  return withTexts(TftpOp.wrq, [file, mode, ...optionTexts(options)]);
}

function optionTexts(options: readonly TftpOption[]): string[] {
  return options.flatMap(({ name, value }) => {
    if (name === '') throw new RangeError('a TFTP option needs a name');
    return [name, value];
  });
}

function withTexts(op: number, texts: readonly string[], between: readonly number[] = []): Uint8Array {
  if (texts.some((text) => text.includes('\0'))) throw new RangeError('a TFTP text cannot contain NUL');
  if ((op === TftpOp.rrq || op === TftpOp.wrq) && texts[0] === '') throw new RangeError('a TFTP request needs a file name');
  return Buffer.concat([Uint8Array.of(0, op, ...between), ...texts.map((text) => Buffer.from(`${text}\0`, 'utf8'))]);
}

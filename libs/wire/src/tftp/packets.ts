/** TFTP packets as values (RFC 1350 §5, options RFC 2347) and the constants of the protocol. */

/** Opcodes (RFC 1350 §5, RFC 2347). */
export const TftpOp = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** Error codes (RFC 1350 appendix, 8 from RFC 2347); OVMF also sends 8 with "User aborted the transfer" after its tsize probe. */
export const TftpError = {
  notDefined: 0, fileNotFound: 1, accessViolation: 2, diskFull: 3, illegalOperation: 4, unknownTransferId: 5,
  fileExists: 6, noSuchUser: 7, optionRefused: 8,
} as const;

/** Block size when blksize is not agreed, in bytes (RFC 1350 §2). */
export const DEFAULT_BLOCK_BYTES = 512;

/** One option; the name is in lower case (RFC 2347: case does not matter), the value as sent. */
export type TftpOption = { name: string; value: string };

/** `mode` is in lower case. Options are in wire order; of a name sent twice only the first is there (RFC 2347 allows one). */
export type TftpRequest = { kind: 'rrq' | 'wrq'; file: string; mode: string; options: TftpOption[] };
export type TftpPacket =
  | TftpRequest
  /** `payload` is a view of the datagram */
  | { kind: 'data'; block: number; payload: Uint8Array }
  | { kind: 'ack'; block: number }
  | { kind: 'error'; code: number; message: string }
  | { kind: 'oack'; options: TftpOption[] };

/** The options we know, with values in the range their RFC gives; others count as not asked for. */
export type TftpKnownOptions = {
  /** bytes, 8..65464 (RFC 2348) */
  blksize?: number;
  /** seconds, 1..255 (RFC 2349) */
  timeout?: number;
  /** bytes; 0 in an RRQ asks for the size (RFC 2349) */
  tsize?: number;
  /** blocks, 1..65535 (RFC 7440) */
  windowsize?: number;
};

const ranges = { blksize: [8, 65464], timeout: [1, 255], tsize: [0, Number.MAX_SAFE_INTEGER], windowsize: [1, 65535] } as const;

function isKnown(name: string): name is keyof TftpKnownOptions {
  return Object.hasOwn(ranges, name);
}

/** Reads the known options of a request or OACK; one that is no decimal number or out of range is left out (RFC 2347: ignore it). */
export function knownOptions(options: readonly TftpOption[]): TftpKnownOptions {
  const known: TftpKnownOptions = {};
  for (const { name, value } of options) {
    if (!isKnown(name) || !/^\d{1,16}$/.test(value)) continue;
    const number = Number(value);
    const [min, max] = ranges[name];
    if (number >= min && number <= max) known[name] = number;
  }
  return known;
}

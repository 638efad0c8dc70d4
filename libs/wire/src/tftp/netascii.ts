/** Netascii, TFTP's text mode (RFC 1350 §2, RFC 764): a line ends with CR LF, a lone CR is CR NUL. Works on chunks of any size. */

const NUL = 0;
const LF = 10;
const CR = 13;

/** Bytes that a chunk becomes in netascii; summed over a file it is the tsize of a netascii transfer. */
export function netasciiLength(chunk: Uint8Array): number {
  let length = chunk.length;
  for (const byte of chunk) if (byte === LF || byte === CR) length++;
  return length;
}

/** Local bytes (LF line ends) to netascii; each byte stands alone, so chunks may be cut anywhere. */
export function toNetascii(chunk: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(netasciiLength(chunk));
  let at = 0;
  for (const byte of chunk) {
    if (byte === LF) {
      out[at++] = CR;
      out[at++] = LF;
    } else {
      out[at++] = byte;
      if (byte === CR) out[at++] = NUL;
    }
  }
  return out;
}

/** What a chunk's end leaves open: true when its last byte was a CR whose meaning the next byte decides. */
export type NetasciiState = { pendingCr: boolean };

export const netasciiStart: NetasciiState = { pendingCr: false };

/** Netascii to local bytes: CR LF is LF, CR NUL is CR, any other CR stays. Give the state on; `last` writes a CR left open. */
export function fromNetascii(chunk: Uint8Array, state: NetasciiState, last = false): { bytes: Uint8Array; state: NetasciiState } {
  const out = Buffer.allocUnsafe(chunk.length + 1);
  let at = 0;
  let pendingCr = state.pendingCr;
  for (const byte of chunk) {
    if (pendingCr && byte === LF) out[at++] = LF;
    else if (pendingCr && byte === NUL) out[at++] = CR;
    else {
      if (pendingCr) out[at++] = CR;
      if (byte !== CR) out[at++] = byte;
    }
    pendingCr = byte === CR;
  }
  if (last && pendingCr) out[at++] = CR;
  return { bytes: out.subarray(0, at), state: { pendingCr: pendingCr && !last } };
}

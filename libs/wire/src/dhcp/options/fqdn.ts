/** Client FQDN, option 81 (RFC 4702): flags, two obsolete result codes, a name in DNS wire form or, without the E bit, in ASCII. */
import { asBuffer, readTrimmedText } from '../../text.ts';
import type { DhcpMessage } from '../messages.ts';
import { decodeName, encodeName } from './domains.ts';

/** Flag bits (RFC 4702 §2.1): S server updates A, O server overrides S, E wire form, N no update at all. */
export const FqdnFlag = { s: 1, o: 2, e: 4, n: 8 } as const;

export type ClientFqdn = {
  flags: number;
  /** without a final dot; '' asks the server for a name */
  name: string;
  /** whether the name is complete up to the root; never so for the ASCII form without a final dot */
  qualified: boolean;
};

/** Option 81 read; undefined when it is shorter than 3 bytes or its name is malformed. */
export function clientFqdn(m: DhcpMessage): ClientFqdn | undefined {
  const v = m.options.get(81);
  if (v === undefined || v.length < 3) return undefined;
  const flags = v[0] ?? 0;
  if ((flags & FqdnFlag.e) !== 0) {
    const read = decodeName(v.subarray(3));
    return read && { flags, ...read };
  }
  const text = readTrimmedText(asBuffer(v), 3, v.length);
  return text.endsWith('.') ? { flags, name: text.slice(0, -1), qualified: true } : { flags, name: text, qualified: false };
}

/** The server's option 81: both result codes 255 (RFC 4702 §4), name in wire form if the E flag is set; a bad name throws RangeError. */
export function encodeFqdn(fqdn: ClientFqdn): Uint8Array {
  return Uint8Array.from([fqdn.flags, 255, 255, ...fqdnName(fqdn)]);
}

function fqdnName({ flags, name, qualified }: ClientFqdn): Uint8Array {
  if ((flags & FqdnFlag.e) === 0) return Buffer.from(qualified ? `${name}.` : name, 'utf8');
  if (name === '') return new Uint8Array(0);
  const wire = encodeName(name);
  return qualified ? wire : wire.subarray(0, -1);
}

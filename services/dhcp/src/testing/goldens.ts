/** Reads the wire library's golden packets: hex with `#` comments, `00*176` for repeated bytes and quoted text. */
import { readFileSync } from 'node:fs';
import { decode, type DhcpMessage } from '@ironbus/wire';

const folder = new URL('../../../../libs/wire/golden/dhcp/', import.meta.url);

export function goldenBytes(name: string): Buffer {
  const text = readFileSync(new URL(`${name}.hex`, folder), 'utf8').replace(/#.*$/gm, '');
  const words = text.match(/"[^"]*"|\S+/g) ?? [];
  return Buffer.concat(words.map((word) => {
    if (word.startsWith('"')) return Buffer.from(word.slice(1, -1));
    const [hex = '', count = '1'] = word.split('*');
    return Buffer.from(hex.repeat(Number(count)), 'hex');
  }));
}

export function goldenMessage(name: string): DhcpMessage {
  const decoded = decode(goldenBytes(name));
  if (!decoded.ok) throw new Error(`${name} does not decode: ${decoded.why} at ${decoded.at}`);
  return decoded.message;
}

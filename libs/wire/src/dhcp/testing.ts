/** Shared by the DHCP tests: decoding that must succeed, every getter by name, arbitrary messages. For tests only; not in the face. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode } from './decode.ts';
import * as getters from './getters.ts';
import { type DhcpMessage, makeMessage } from './messages.ts';
import { OptionMap } from './option-map.ts';
import { bsdpRequest, bsdpSystem } from './options/bsdp.ts';
import { clientFqdn } from './options/fqdn.ts';
import { ipxeFeatures } from './options/ipxe.ts';
import * as pxe from './options/pxe.ts';
import { relayInfo } from './options/relay.ts';

/** Every reader of a message: none may throw on any message. */
export const allGetters: ReadonlyArray<(m: DhcpMessage) => unknown> = [
  ...Object.values(getters), bsdpRequest, bsdpSystem, clientFqdn, ipxeFeatures, relayInfo,
  pxe.clientArch, pxe.clientUuid, pxe.clientUuidBytes, pxe.clientUuidNetworkOrder, pxe.isRaspberryPi, pxe.raspberryPiBoot, pxe.networkInterface, pxe.pxeVendorOptions,
];

export function decodeOk(bytes: Uint8Array): DhcpMessage {
  const decoded = decode(bytes);
  assert.ok(decoded.ok, `decoding failed: ${JSON.stringify(decoded)}`);
  return decoded.message;
}

/** The message as plain data, for deepEqual; without option 52, which the encoder decides. */
export function plain(m: DhcpMessage): Record<string, unknown> {
  const options = [...m.options].filter(([code]) => code !== 52).map(([code, value]) => [code, Buffer.from(value).toString('hex')]);
  return { ...m, chaddr: Buffer.from(m.chaddr).toString('hex'), options };
}

export function optionsOf(...options: ReadonlyArray<readonly [number, Uint8Array]>): OptionMap {
  const map = new OptionMap();
  for (const [code, value] of options) map.set(code, value);
  return map;
}

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const address = fc.ipV4();
const field = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'abcXYZ019./-:_ '), maxLength });

/** Messages whose encoding is exact: any header, up to 20 options of up to 300 bytes, 82 last. */
export const anyMessage: fc.Arbitrary<DhcpMessage> = fc
  .record({
    op: fc.constantFrom(1, 2), htype: u8, hops: u8, xid: fc.integer({ min: 0, max: 0xffffffff }), secs: u16, flags: u16,
    ciaddr: address, yiaddr: address, siaddr: address, giaddr: address,
    chaddr: fc.uint8Array({ maxLength: 16 }), sname: field(63), file: field(127),
    options: fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 300 })), { maxLength: 20, selector: ([code]) => code }),
  })
  .map(({ options, ...fields }) => {
    const ordered = options.filter(([code]) => code !== 52).sort(([a], [b]) => Number(a === 82) - Number(b === 82));
    return makeMessage({ ...fields, options: optionsOf(...ordered) });
  });

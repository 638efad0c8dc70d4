import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatIpv4 } from '../net.ts';
import { decodeDomains, encodeDomains } from './options/domains.ts';
import { decodeRoutes, encodeRoutes } from './options/routes.ts';
import { decodeSubOptions, encodeSubOptions } from './options/sub-options.ts';

const seed = 20261121;
const noThrow = { seed, numRuns: 500 };

describe(`dhcp option families: round trip and junk (seed ${seed})`, () => {
  it('routes', () => {
    const route = fc.tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 32 }), fc.ipV4()).map(([address, prefix, router]) => {
      const network = prefix === 0 ? 0 : Math.floor(address / 2 ** (32 - prefix)) * 2 ** (32 - prefix);
      return { destination: `${formatIpv4(network)}/${prefix}`, router };
    });
    fc.assert(fc.property(fc.array(route, { minLength: 1, maxLength: 9 }), (routes) => {
      assert.deepEqual(decodeRoutes(encodeRoutes(routes)), routes);
    }), noThrow);
  });
  it('domains, compressed', () => {
    const label = fc.string({ unit: fc.constantFrom(...'abcABC09-'), minLength: 1, maxLength: 5 });
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), (names) => {
      assert.deepEqual(decodeDomains(encodeDomains(names)), names);
    }), noThrow);
  });
  it('a label with a dot or a byte outside ASCII survives', () => {
    const wire = Uint8Array.of(3, 0x61, 0x2e, 0xff, 0);
    assert.deepEqual(decodeDomains(wire), ['a\\046\\255']);
    assert.deepEqual(encodeDomains(['a\\046\\255']), wire);
  });
  it('sub-options, with and without pads', () => {
    const sub = fc.record({ code: fc.integer({ min: 1, max: 254 }), value: fc.uint8Array({ maxLength: 255 }) });
    fc.assert(fc.property(fc.array(sub, { maxLength: 6 }), fc.boolean(), (subs, end) => {
      const read = decodeSubOptions(encodeSubOptions(subs, end));
      assert.deepEqual(read?.map(({ code, value }) => ({ code, value: [...value] })), subs.map(({ code, value }) => ({ code, value: [...value] })));
    }), noThrow);
  });
  it('random bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const read of [decodeRoutes, decodeDomains, decodeSubOptions]) read(bytes);
    }), noThrow);
  });
  it('a chain of pointers stays cheap', () => {
    const bytes = Buffer.alloc(16_000, 0);
    for (let at = 2; at + 1 < bytes.length; at += 2) bytes.writeUInt16BE(0xc000 | (at - 2), at);
    assert.equal(decodeDomains(bytes), undefined);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DhcpOption } from '@ironbus/contracts';
import { decodeDomains, decodeRoutes } from '@ironbus/wire';
import { sampleNetwork } from '../testing/samples.ts';
import { encodedOptions, networkOptions } from './options.ts';

const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');

test("what the server answers for itself is left out, and so is what can not be written", () => {
  const options: DhcpOption[] = [
    { code: 54, type: 'ip', value: '1.2.3.4' },
    { code: 51, type: 'u32', value: '1' }, { code: 82, type: 'hex', value: '01' }, { code: 97, type: 'hex', value: '00' },
    { code: 44, type: 'ip', value: 'nowhere' }, { code: 44, type: 'ip', value: '10.0.0.9', always: true }, { code: 252, type: 'text', value: 'http://wpad' },
  ];
  assert.deepEqual(encodedOptions(options).map(({ code, always }) => [code, always]), [[44, true], [252, false]]);
  assert.equal(encodedOptions(options), encodedOptions(options), 'written once');
  assert.deepEqual(encodedOptions(undefined), []);
});

const routed = (changes: object) => networkOptions(sampleNetwork({ staticRoutes: [{ destination: '10.8.0.0/16', gateway: '10.77.0.9' }], ...changes })).routes;
test('routes: the default route is among them, first (RFC 3442)', () => {
  assert.deepEqual(decodeRoutes(routed({}) ?? new Uint8Array(0)), [
    { destination: '0.0.0.0/0', router: '10.77.0.254' }, { destination: '10.8.0.0/16', router: '10.77.0.9' },
  ]);
});
test('routes: no second default route, none without a gateway, none without routes, malformed ones left out', () => {
  const own = [{ destination: '0.0.0.0/0', gateway: '10.77.0.1' }];
  assert.deepEqual(decodeRoutes(routed({ staticRoutes: own }) ?? new Uint8Array(0))?.map(({ router }) => router), ['10.77.0.1']);
  assert.equal(decodeRoutes(routed({ gateway: null }) ?? new Uint8Array(0))?.length, 1);
  assert.equal(routed({ staticRoutes: [] }), undefined);
  assert.equal(routed({ staticRoutes: [{ destination: '10.0.0.0/40', gateway: '10.77.0.1' }] }), undefined);
});

test('search list, mask and broadcast address; a /31 has no broadcast address', () => {
  const own = (code: number, changes: object) => networkOptions(sampleNetwork(changes)).own.find((option) => option.code === code)?.value;
  assert.deepEqual(decodeDomains(own(119, { searchDomains: ['lab.example', 'bad..name', 'example.com'] }) ?? new Uint8Array(0)), ['lab.example', 'example.com']);
  assert.deepEqual([hexOf(own(1, {})), hexOf(own(28, {}))], ['ffffff00', '0a4d00ff']);
  assert.deepEqual([own(28, { cidr: '10.77.0.0/31' }), own(119, {}), own(26, {}), own(42, {}), own(3, { gateway: null })], Array(5).fill(undefined));
  assert.deepEqual(networkOptions(sampleNetwork({ mtu: 1500 })).own.filter(({ always }) => always).map(({ code }) => code), [1, 3, 6, 15]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BootPolicy, Ipv4, Mac, Network } from '@ironbus/contracts';
import { sampleNetwork, samplePolicy } from '../testing/samples.ts';
import { makePool, type PolicyReservations } from './pool.ts';

const mac = '52:54:00:77:00:01' as Mac;
const policies = (address: string): PolicyReservations => {
  const policy = { ...samplePolicy({ mac }), reservedAddress: address as BootPolicy['reservedAddress'] };
  return { policyOf: (asked) => asked === mac ? policy : undefined, macOf: (asked) => asked === address ? mac : undefined, addresses: () => [address], version: 1 };
};
const reserved = (changes: Partial<Network>, address: string): Ipv4 | undefined => makePool(sampleNetwork(changes), policies(address)).reservedFor(mac);
const range = [{ from: '10.77.0.40' as Ipv4, to: '10.77.0.49' as Ipv4 }];

test('what a policy keeps is anywhere in a managed network but in its reserved ranges', () => {
  assert.equal(reserved({}, '10.77.0.45'), '10.77.0.45');
  assert.equal(reserved({ reservedRanges: range }, '10.77.0.45'), undefined);
  assert.equal(reserved({ reservedRanges: range }, '10.77.0.50'), '10.77.0.50');
  assert.equal(reserved({}, '10.78.0.45'), undefined);
});

test('of an unmanaged network only the dynamic and the reserved ranges are ours', () => {
  const unmanaged = { managed: false, reservedRanges: range };
  assert.equal(reserved(unmanaged, '10.77.0.45'), '10.77.0.45');
  assert.equal(reserved(unmanaged, '10.77.0.50'), undefined);
  assert.equal(reserved(unmanaged, sampleNetwork({}).dynamicRanges[0]?.from ?? ''), sampleNetwork({}).dynamicRanges[0]?.from);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goldenMessage } from '../testing/goldens.ts';
import { sampleMessage } from '../testing/samples.ts';
import { hostLabel } from './names.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');
const rows: [name: string, options: Record<number, string>, label: string | undefined][] = [
  ['a plain name', { 12: hex('Node-1') }, 'node-1'],
  ['a full name', { 12: hex('node1.lab.example') }, 'node1'],
  ['an underscore and a space', { 12: hex('my_pc 2') }, 'my-pc-2'],
  ['nothing usable', { 12: hex('___') }, undefined],
  ['no name', {}, undefined],
  ['63 at most', { 12: hex('a'.repeat(80)) }, 'a'.repeat(63)],
];
for (const [name, options, label] of rows) test(`host label: ${name}`, () => assert.equal(hostLabel(sampleMessage({ options })), label));
test('host label: option 81 wins', () => assert.equal(hostLabel(goldenMessage('rfc4702-fqdn')), 'client'));

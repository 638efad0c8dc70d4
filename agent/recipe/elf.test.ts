import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neededLibraries } from './elf.ts';

type Segment = { type: number; offset: number; address: number; bytes: number };

/** A file by hand: ELF header of 64 bytes, program headers of 56, then `body`, which segments place. */
function elf(segments: readonly Segment[], body: Buffer): Buffer {
  const header = Buffer.alloc(64);
  header.write('7f454c460201', 0, 'hex');
  header.writeBigUInt64LE(64n, 0x20);
  header.writeUInt16LE(56, 0x36);
  header.writeUInt16LE(segments.length, 0x38);
  const table = segments.map(({ type, offset, address, bytes }) => {
    const row = Buffer.alloc(56);
    row.writeUInt32LE(type, 0);
    for (const [at, value] of [[0x08, offset], [0x10, address], [0x20, bytes]] as const) row.writeBigUInt64LE(BigInt(value), at);
    return row;
  });
  return Buffer.concat([header, ...table, body]);
}

const dynamic = (entries: readonly (readonly [number, number])[]): Buffer => Buffer.concat(entries.map(([tag, value]) => {
  const entry = Buffer.alloc(16);
  entry.writeBigUInt64LE(BigInt(tag), 0);
  entry.writeBigUInt64LE(BigInt(value), 8);
  return entry;
}));

/** Body: five dynamic entries (80 bytes), then the strings; file offset 176, loaded at 0x10000. */
const start = 64 + 2 * 56;
const strings = Buffer.from('\0libjq.so.1\0libc.so.6\0');
const body = Buffer.concat([dynamic([[1, 1], [5, 0x10000 + 80], [1, 12], [0, 0], [1, 1]]), strings]);
const load = { type: 1, offset: start, address: 0x10000, bytes: body.length };

test('sonames are read in their order, up to the end mark', () => {
  assert.deepEqual(neededLibraries(elf([load, { type: 2, offset: start, address: 0x10000, bytes: 80 }], body)), ['libjq.so.1', 'libc.so.6']);
});

test('a static program needs none', () => assert.deepEqual(neededLibraries(elf([load], body)), []));

test('a script and a 32-bit program are refused', () => {
  assert.throws(() => neededLibraries(Buffer.from('#!/bin/sh\n')), /not a 64-bit/);
  assert.throws(() => neededLibraries(Buffer.from('7f454c460101', 'hex')), /not a 64-bit/);
});

test('a string table that is nowhere is refused', () => {
  assert.throws(() => neededLibraries(elf([{ ...load, address: 0x90000 }, { type: 2, offset: start, address: 0x10000, bytes: 80 }], body)), /in no segment/);
});

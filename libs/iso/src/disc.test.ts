import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IsoError, openDisc } from './index.ts';
import { findSusp, readSystemUse } from './rock-ridge.ts';
import { Source } from './source.ts';
import { decodeName, decodeTime } from './udf-descriptor.ts';
import { readFids } from './udf-entry.ts';

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const nothing = new Source(() => Promise.resolve(new Uint8Array()), 0);
const isKnown = (error: unknown): undefined => {
  if (!(error instanceof IsoError)) throw error;
};

/** SUSP entries as bytes: signature, length, version, then the rest. */
const entry = (signature: string, ...rest: number[]): Buffer => Buffer.concat([Buffer.from(signature), Buffer.from([rest.length + 4, 1, ...rest])]);
const letters = (text: string): number[] => [...Buffer.from(text)];

const rows: [name: string, area: Buffer, use: Record<string, unknown>][] = [
  ['a name in two entries', Buffer.concat([entry('NM', 1, ...letters('file')), entry('NM', 0, ...letters('.txt'))]), { name: 'file.txt' }],
  ['a name that is not UTF-8', entry('NM', 0, 0xe9, 0x74, 0xe9), { name: 'été' }],
  ['a link to the root and on', entry('SL', 0, 8, 0, 0, 3, ...letters('usr'), 0, 3, ...letters('lib')), { target: '/usr/lib' }],
  ['a link up, with a component in two parts', Buffer.concat([entry('SL', 1, 4, 0, 1, 2, ...letters('ab')), entry('SL', 0, 0, 1, ...letters('c'))]), { target: '../abc' }],
  ['what comes after the terminator is nothing', Buffer.concat([entry('ST'), entry('NM', 0, ...letters('x'))]), { name: undefined }],
  ['an entry longer than its area', Buffer.from('NM\xff\x01\x00abc', 'latin1'), { name: undefined }],
  ['an entry without length', Buffer.from('NM\x00\x01\x00abc', 'latin1'), { name: undefined }],
  ['relocated', entry('RE'), { relocated: true }],
];
for (const [name, area, use] of rows) {
  test(`system use: ${name}`, async () => {
    const read: Record<string, unknown> = await readSystemUse(nothing, viewOf(area), { skip: 0, blockBytes: 2048, at: 0 });
    for (const [key, value] of Object.entries(use)) assert.deepEqual(read[key], value);
  });
}

test('a continuation that leads to itself is a loop', async () => {
  const area = Buffer.concat([entry('CE', ...Array<number>(24).fill(0))]);
  area.writeUInt32LE(28, 20);
  const source = new Source(() => Promise.resolve(area), area.length);
  await assert.rejects(readSystemUse(source, viewOf(area), { skip: 0, blockBytes: 2048, at: 7 }), /continues in itself \(byte 7/);
});

test('Rock Ridge is there where SP is the first entry, also behind what CD-ROM XA writes', () => {
  const sp = Buffer.from([0x53, 0x50, 7, 1, 0xbe, 0xef, 3]);
  assert.deepEqual(findSusp(viewOf(sp)), { skip: 3 });
  assert.deepEqual(findSusp(viewOf(Buffer.concat([Buffer.alloc(14), sp]))), { skip: 3 });
  assert.equal(findSusp(viewOf(Buffer.from([0x53, 0x50, 7, 1, 0xbe, 0xee, 3]))), undefined);
});

test('names and times of UDF', () => {
  assert.equal(decodeName(Buffer.from('\x08plain', 'latin1')), 'plain');
  assert.equal(decodeName(Buffer.from([16, 0x65, 0x87, 0x4e, 0xf6])), '文件');
  const time = Buffer.from([0x78, 0x10, 0xea, 0x07, 11, 21, 16, 30, 5, 0, 0, 0]); // zone +120 minutes
  assert.equal(decodeTime(viewOf(time), 0)?.toISOString(), '2026-11-21T14:30:05.000Z');
  for (const year of [-32_534, -1, 10_000, 32_767]) {
    time.writeInt16LE(year, 2);
    assert.equal(decodeTime(viewOf(time), 0), undefined, `${year}`);
  }
});

test('any bytes: system use and file identifiers end with a value or an IsoError', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 255 }), async (bytes, skip) => {
    const source = new Source((offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)), bytes.length);
    await readSystemUse(source, viewOf(bytes), { skip, blockBytes: 16, at: 0 }).catch(isKnown);
    try {
      for (const fid of readFids(viewOf(bytes), 0)) assert.ok(fid.at < bytes.length);
    } catch (error) { isKnown(error); }
  }), { numRuns: 2000 });
});

test('any bytes behind the signatures of a disc: an IsoError', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 2048, maxLength: 8192 }), fc.constantFrom('\x01CD001\x01', '\x02CD001\x01', '\0NSR02\x01'), async (noise, signature) => {
    const image = Buffer.concat([Buffer.alloc(32_768), Buffer.from(signature, 'latin1'), noise]);
    image.writeUInt16LE(2048, 32_768 + 128);
    await assert.rejects(openDisc((offset, length) => Promise.resolve(image.subarray(offset, offset + length)), image.length), IsoError);
  }), { numRuns: 500 });
});

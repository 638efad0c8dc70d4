import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readText } from './text.ts';

describe('text of bytes that say ASCII', () => {
  const rows: ReadonlyArray<[name: string, hex: string, text: string]> = [
    ['ascii', '50584543', 'PXEC'],
    ['utf-8 of two, three and four bytes', 'c3a9e282acf09f9880', 'é€😀'],
    ['a byte order mark stays', 'efbbbf61', '\ufeffa'],
    ['latin-1', '61e962', 'aéb'],
    ['utf-8 that is cut', '61c3', 'aÃ'],
    ['an overlong form is not utf-8', 'c0af', 'À¯'],
    ['half a surrogate pair is not utf-8', 'eda080', 'í\xa0\x80'],
    ['nothing', '', ''],
  ];
  for (const [name, hex, text] of rows) it(name, () => assert.equal(readText(Buffer.from(hex, 'hex'), 0, hex.length / 2), text));
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHttpDate } from './http-date.ts';

const rows: [text: string, iso: string | undefined][] = [
  ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
  ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
  ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z'],
  ['Sat Nov 21 08:49:37 2026', '2026-11-21T08:49:37.000Z'],
  ['Saturday, 21-Nov-26 08:49:37 GMT', '2026-11-21T08:49:37.000Z'],
  ['Sat, 31 Dec 2016 23:59:60 GMT', '2017-01-01T00:00:00.000Z'],
  ['x 2090', undefined], ['2090', undefined], ['2090-01-01T00:00:00Z', undefined], ['"etag-2090"', undefined], ['', undefined],
  ['Sun, 06 Nov 1994 08:49:37', undefined], ['Sun, 06 Nov 1994 24:00:00 GMT', undefined], ['Sun, 31 Feb 2026 08:49:37 GMT', undefined], ['Sun, 06 Nev 1994 08:49:37 GMT', undefined],
];
for (const [text, iso] of rows) {
  test(`a time in HTTP: ${JSON.stringify(text)}`, () => {
    const found = parseHttpDate(text);
    assert.equal(found === undefined ? undefined : new Date(found).toISOString(), iso);
  });
}

test('every second that HTTP can say is read back', () => {
  fc.assert(fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (date) => {
    assert.equal(parseHttpDate(date.toUTCString()), Math.floor(date.getTime() / 1000) * 1000);
  }));
});

test('the zone of this machine says nothing', () => {
  const source = `import { parseHttpDate } from ${JSON.stringify(import.meta.resolve('./http-date.ts'))}; console.log(parseHttpDate('Sun Nov  6 08:49:37 1994'))`;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', source], { env: { ...process.env, TZ: 'America/New_York' }, encoding: 'utf8' });
  assert.equal(Number(said), Date.UTC(1994, 10, 6, 8, 49, 37));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toldBy, virtualPath } from './told.ts';

const body = Buffer.from('text');
const rows: [name: string, status: number, asset: string | undefined, is: string, code: number | undefined][] = [
  ['a text', 200, undefined, 'text', undefined], ['an asset', 204, 'pi/start4.elf', 'asset', undefined], ['an asset without a name', 204, undefined, 'refused', 0],
  ['not for us', 403, undefined, 'refused', 0], ['unknown', 404, undefined, 'refused', 1], ['not ready', 503, undefined, 'wait', undefined],
  ['a violation', 422, undefined, 'refused', 0], ['a defect', 500, undefined, 'refused', 0], ['a redirect', 302, undefined, 'refused', 0],
];
for (const [name, status, asset, is, code] of rows) {
  test(`told: ${name}`, () => {
    const told = toldBy({ status, asset, body });
    assert.deepEqual([told.is, told.is === 'refused' ? told.code : undefined], [is, code]);
  });
}

test('only names that may be rendered are asked for, escaped', () => {
  assert.equal(virtualPath('grub/grub.cfg-01-52:54'), '/virtual/grub/grub.cfg-01-52%3A54');
  assert.equal(virtualPath('a?b#c%'), '/virtual/a%3Fb%23c%25');
  for (const name of ['', 'a b', 'é', '\ud800', 'x'.repeat(256)]) assert.equal(virtualPath(name), undefined);
});

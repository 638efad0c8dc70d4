import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownPath } from './shown-path.ts';

const token = 'T'.repeat(43);
const rows: [path: string, shown: string][] = [
  [`/install/k7x2mp/${token}/ks.cfg`, '/install/k7x2mp/…'], [`/phone-home/k7x2mp/${token}`, '/phone-home/k7x2mp/…'], ['/seed/serial/S1/user-data', '/seed/serial/…'],
  [`//install/k7x2mp/${token}/ks.cfg`, '/install/k7x2mp/…'], [`/install//k7x2mp///${token}/ks.cfg`, '/install/k7x2mp/…'], [`///phone-home//k7x2mp/${token}?x=1`, '/phone-home/k7x2mp/…'],
  [`/%69nstall/k7x2mp/${token}/ks.cfg`, '/install/k7x2mp/…'], [`/install%2Fk7x2mp%2f${token}/ks.cfg`, '/install/k7x2mp/…'], [`http://rack:5248/install/k7x2mp/${token}/ks.cfg`, '/install/k7x2mp/…'],
  [`HTTP://u@rack//install/k7x2mp/${token}/ks.cfg`, '/install/k7x2mp/…'],
  ['/install/ks.cfg', '/install/ks.cfg'], ['/seed/user-data', '/seed/user-data'], ['/loaders//grubx64.efi', '/loaders//grubx64.efi'], ['/images/%zz', '/images/%zz'],
  ['/MAAS/metadata/2012-03-01/user-data', '/MAAS/metadata/2012-03-01/user-data'], [`/${'x'.repeat(2000)}`, `/${'x'.repeat(1023)}`],
];
for (const [path, shown] of rows) test(`${path.slice(0, 60)} is shown without its token`, () => assert.equal(shownPath(path), shown));

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { compareVersions, unsuited } from './server-gate.ts';

const rows = [
  { name: 'the minimum', info: { version: '2.12.0', jetstream: true }, fits: true },
  { name: 'newer', info: { version: '2.15.1', jetstream: true }, fits: true },
  { name: 'a release candidate', info: { version: '2.12.0-RC.3', jetstream: true }, fits: true },
  { name: 'Debian 13', info: { version: '2.10.27', jetstream: true }, fits: false },
  { name: 'no JetStream', info: { version: '2.15.1' }, fits: false },
  { name: 'nonsense', info: { version: 'main', jetstream: true }, fits: false },
];

for (const row of rows) test(`server gate: ${row.name}`, () => assert.equal(unsuited(row.info) === undefined, row.fits));

test('versions compare as numbers, not as text', () => {
  assert.ok(compareVersions('2.9.10', '2.12.0') < 0);
  assert.ok(compareVersions('3.0.0', '2.99.99') > 0);
  assert.equal(compareVersions('v2.12.1', '2.12.1'), 0);
});

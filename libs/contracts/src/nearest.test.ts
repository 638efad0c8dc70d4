import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './nearest.ts';

test('the nearest word is found, and none when none is near', () => {
  assert.equal(nearest('DHCP_LEASES', ['DHCP_PORT', 'DHCP_LEASE']), 'DHCP_LEASE');
  assert.equal(nearest('DHCP_X', ['DHCP_SOMETHING_ELSE']), undefined);
  assert.equal(nearest('x', []), undefined);
  assert.deepEqual([editDistance('', 'abc'), editDistance('kitten', 'sitting'), editDistance('a', 'a')], [3, 3, 0]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { network } from '../../test/fixtures.ts';
import { findNeighbour, isAsked } from './neighbours.ts';

const arp = `IP address       HW type     Flags       HW address            Mask     Device
10.77.0.9        0x1         0x2         52:54:00:77:00:01     *        br-pxe
10.77.0.10       0x1         0x0         00:00:00:00:00:00     *        br-pxe
10.77.0.11       0x1         0x6         52:54:00:77:00:0b     *        br-pxe
10.77.0.9        0x1         0x2         52:54:00:77:00:99     *        eth0
`;

test('the MAC behind an address on its own device, where the kernel knows it', () => {
  const find = (address: string, device = 'br-pxe') => findNeighbour(arp, { address, device });
  assert.equal(find('10.77.0.9'), '52:54:00:77:00:01');
  assert.equal(find('10.77.0.9', 'eth0'), '52:54:00:77:00:99');
  assert.equal(find('10.77.0.11'), '52:54:00:77:00:0b', 'a permanent entry');
  assert.deepEqual([find('10.77.0.10'), find('10.77.0.1'), find('10.77.0.11', 'eth0'), findNeighbour('', { address: '10.77.0.9', device: 'br-pxe' })], [undefined, undefined, undefined, undefined]);
});

test('asked only where somebody else gives out addresses on a wire of this rack', () => {
  assert.deepEqual((['off', 'shadow', 'proxy', 'authoritative'] as const).map((mode) => isAsked({ ...network, mode }, 'rack1', '10.77.0.9')), [true, true, true, false]);
  assert.equal(isAsked({ ...network, mode: 'off', relayed: true }, 'rack1', '10.77.0.9'), false);
  assert.equal(isAsked({ ...network, mode: 'off' }, 'rack2', '10.77.0.9'), false);
});

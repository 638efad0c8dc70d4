import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '@ironbus/runtime';
import { configSpec, limitsOf } from './config.ts';
import { defaultLimits } from './core/limits.ts';

test('defaults', () => {
  const read = readConfig(configSpec, {});
  assert.ok(read.ok);
  assert.deepEqual([read.config.port, read.config.offerSeconds, read.config.graceSeconds, read.config.routerAdvertisements], [67, 60, 1_800, true]);
});

test('limits: two numbers each, by default those of core/limits.ts', () => {
  const [read, changed, wrong] = [{}, { DHCP_LIMIT_DEVICE: '50/100' }, { DHCP_LIMIT_DEVICE: '50' }].map((env) => readConfig(configSpec, env));
  assert.ok(read?.ok === true && changed?.ok === true && wrong?.ok === false);
  assert.deepEqual(limitsOf(read.config), defaultLimits);
  assert.deepEqual(limitsOf(changed.config), { ...defaultLimits, device: { perSecond: 50, burst: 100 } });
  assert.match(JSON.stringify(wrong), /DHCP_LIMIT_DEVICE/);
});

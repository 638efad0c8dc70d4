import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeConfig, readConfig } from '@ironbus/runtime';
import { configSpec, limitsOf } from './config.ts';
import { defaultLimits } from './core/limits.ts';

test('README has the table of settings (UPDATE_GOLDEN=1 writes it)', () => {
  const file = new URL('../README.md', import.meta.url);
  const text = readFileSync(file, 'utf8');
  const wanted = text.replace(/(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/, (_, head: string, tail: string) => head + describeConfig(configSpec) + tail);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, wanted);
  else assert.equal(text, wanted);
});

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

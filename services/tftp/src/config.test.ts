import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeConfig } from '@ironbus/runtime';
import { configSpec } from './config.ts';

test('README has the table of settings (UPDATE_GOLDEN=1 writes it)', () => {
  const file = new URL('../README.md', import.meta.url);
  const text = readFileSync(file, 'utf8');
  const wanted = text.replace(/(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/, (_, head: string, tail: string) => head + describeConfig(configSpec) + tail);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, wanted);
  else assert.equal(text, wanted);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileSchema } from './cloud-config.ts';
import { checkUserData } from './user-data.ts';

const schema = compileSchema({
  $schema: 'http://json-schema.org/draft-04/schema#', type: 'object', additionalProperties: false,
  properties: {
    packages: { type: 'array', items: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] } }, ssh_pwauth: { enum: [true, false, 'unchanged'], deprecated: true },
    write_files: { type: 'array', items: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'], additionalProperties: false } },
  },
});
const told = (text: string): string[] => checkUserData(text, schema).map(({ line, message }) => `${line}: ${message}`);
const ignores = 'cloud-init would ignore or refuse it: ';

test('what the schema takes is taken', () => assert.deepEqual(told('#cloud-config\npackages: [a, [b, "1"]]\nssh_pwauth: false\n'), []));

test('yes and no are what PyYAML takes them for', () => {
  assert.deepEqual(told('#cloud-config\nssh_pwauth: no\n'), []);
  assert.deepEqual(told('#cloud-config\nwrite_files: [{ path: yes }]\n'), [`2: ${ignores}write_files.0.path must be string`]);
});

test('each problem is told once, at its line, alternatives in one sentence', () => {
  assert.deepEqual(told('#cloud-config\npackages:\n  - a\n  - { b: 1 }\nwrite_files:\n  - content: x\n    path: /a\n  - path: 7\n'), [
    `4: ${ignores}packages.1 must be string, or must be array`, `6: ${ignores}write_files.0 must NOT have additional properties (content)`, `8: ${ignores}write_files.1.path must be string`,
  ]);
  assert.deepEqual(told('#cloud-config\nssh_pwauth: perhaps\nwriet_files: []\n'), [`2: ${ignores}ssh_pwauth must be equal to one of the allowed values ([true,false,"unchanged"])`]);
});

test('a flood of problems is cut', () => assert.equal(told(`#cloud-config\npackages: [${'1, '.repeat(100)}]`).length, 10));

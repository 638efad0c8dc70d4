import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { describeConfig, formatViolations } from './config-doc.ts';
import { DurationInMs, DurationInSeconds, OneOf, PortNumber, coerce } from './config-text.ts';
import { defineConfig, readConfig, redactConfig } from './config.ts';

const spec = defineConfig({
  prefix: 'DHCP_',
  shared: ['natsServers', 'redisUrl', 'rackId', 'logLevel', 'healthPort'],
  fields: {
    port: { env: 'PORT', schema: PortNumber, default: 67, doc: 'UDP port.' },
    leaseSeconds: { env: 'LEASE', schema: DurationInSeconds({ minimum: 60, maximum: 604_800 }), default: 3_600, doc: 'Lease time.' },
    mode: { env: 'MODE', schema: OneOf(['off', 'shadow', 'answer']), optional: true, doc: 'What it does.' },
    key: { env: 'KEY', schema: Type.String({ minLength: 8 }), secret: true, doc: 'A key.' },
    routers: { env: 'ROUTERS', schema: Type.Array(Type.String({ pattern: '^[0-9.]+$' })), default: [], doc: 'Routers.' },
  },
});

test('reads, coerces and defaults every setting into a frozen object', () => {
  const read = readConfig(spec, { DHCP_KEY: 'correct-horse', DHCP_LEASE: '2h', DHCP_ROUTERS: '10.0.0.1, 10.0.0.2', DHCP_MODE: '', NATS_URL: 'nats://a:1,nats://b:2', DHCP_HEALTH_PORT: '9001', PATH: '/bin' });
  assert.ok(read.ok);
  const { config } = read;
  const lease: number = config.leaseSeconds;
  const mode: 'off' | 'shadow' | 'answer' | undefined = config.mode;
  assert.deepEqual([lease, mode, config.port, config.healthPort], [7_200, undefined, 67, 9_001]);
  assert.deepEqual(config.natsServers, ['nats://a:1', 'nats://b:2']);
  assert.deepEqual(config.routers, ['10.0.0.1', '10.0.0.2']);
  assert.ok(Object.isFrozen(config));
});

test('reports all violations at once, with the remedy and without secrets', () => {
  const read = readConfig(spec, { DHCP_KEY: 'short', DHCP_PORT: '70000', DHCP_LEASE: 'soon', DHCP_MODE: 'on', DHCP_LEASES: '1h', REDIS_URL: 'http://u:hunter2@x' });
  assert.ok(!read.ok);
  assert.deepEqual(read.violations.map((violation) => violation.env).sort(), ['DHCP_KEY', 'DHCP_LEASE', 'DHCP_LEASES', 'DHCP_MODE', 'DHCP_PORT', 'REDIS_URL']);
  const text = formatViolations(spec, read.violations);
  assert.match(text, /did you mean DHCP_LEASE\?/);
  assert.match(text, /an integer from 0 to 65535/);
  assert.match(text, /one of off, shadow, answer/);
  assert.match(text, /from 1m to 7d/);
  assert.doesNotMatch(text, /short|hunter2/);
});

test('a required setting that is missing says so', () => {
  const read = readConfig(spec, {});
  assert.ok(!read.ok);
  assert.deepEqual(read.violations, [{ env: 'DHCP_KEY', given: undefined, expected: 'text, at least 8 characters', remedy: 'set DHCP_KEY: A key.' }]);
});

test('a secret may come from a file, but not from both places', () => {
  const files: Record<string, string> = { '/run/key': 'from-the-file\n' };
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  };
  const one = readConfig(spec, { DHCP_KEY_FILE: '/run/key' }, readFile);
  assert.ok(one.ok && one.config.key === 'from-the-file');
  const both = readConfig(spec, { DHCP_KEY_FILE: '/run/key', DHCP_KEY: 'correct-horse' }, readFile);
  assert.ok(!both.ok && both.violations[0]?.env === 'DHCP_KEY_FILE');
  const missing = readConfig(spec, { DHCP_KEY_FILE: '/run/none' }, readFile);
  assert.ok(!missing.ok && missing.violations[0]?.remedy.startsWith('ENOENT'));
});

test('what is logged hides secrets and the user part of URLs', () => {
  const read = readConfig(spec, { DHCP_KEY: 'correct-horse', REDIS_URL: 'redis://u:hunter2@host/1' });
  assert.ok(read.ok);
  const shown = redactConfig(spec, read.config);
  assert.equal(shown['key'], '[redacted]');
  assert.equal(shown['redisUrl'], 'redis://[redacted]@host/1');
});

test('the table for READMEs has one row per setting', () => {
  const table = describeConfig(spec);
  assert.match(table, /\| `DHCP_LEASE` \| `1h` \|/);
  assert.match(table, /\| `DHCP_KEY` \| required \|.*`DHCP_KEY_FILE`/);
  assert.equal(table.trim().split('\n').length, 2 + spec.named.length);
});

test('a default that violates its schema, or two settings with one name, are defects', () => {
  assert.throws(() => defineConfig({ prefix: 'X_', fields: { port: { env: 'PORT', schema: PortNumber, default: -1, doc: '' } } }), /default/);
  assert.throws(() => defineConfig({ prefix: 'X_', fields: { a: { env: 'A', schema: PortNumber, doc: '' }, b: { env: 'A', schema: PortNumber, doc: '' } } }), /share/);
});

test('rules between settings are checked once each setting is valid', () => {
  const ranged = defineConfig({
    prefix: 'X_', fields: { low: { env: 'LOW', schema: PortNumber, default: 1, doc: '' }, high: { env: 'HIGH', schema: PortNumber, default: 2, doc: '' } },
    check: (config) => config.low <= config.high ? [] : [{ env: 'X_LOW', given: String(config.low), expected: 'at most X_HIGH', remedy: 'swap them' }],
  });
  assert.ok(readConfig(ranged, {}).ok);
  assert.ok(!readConfig(ranged, { X_LOW: '3' }).ok);
});

const rows: [string, ReturnType<typeof coerce>['ok'], Parameters<typeof coerce>[0], string, unknown][] = [
  ['integer', true, Type.Integer(), '42', 42],
  ['integer with a fraction', false, Type.Integer(), '4.2', undefined],
  ['integer in hex', false, Type.Integer(), '0x10', undefined],
  ['integer beyond 2^53', false, Type.Integer(), '99999999999999999999', undefined],
  ['number', true, Type.Number(), '0.5', 0.5],
  ['boolean word', true, Type.Boolean(), 'Off', false],
  ['boolean nonsense', false, Type.Boolean(), 'maybe', undefined],
  ['duration in ms', true, DurationInMs(), '5s', 5_000],
  ['duration, bare number', true, DurationInMs(), '250', 250],
  ['duration finer than its unit', false, DurationInSeconds(), '250ms', undefined],
  ['list as JSON', true, Type.Array(Type.Integer()), '[1,2]', [1, 2]],
  ['list with a bad item', false, Type.Array(Type.Integer()), '1,x', undefined],
  ['object as JSON', true, Type.Object({ a: Type.Integer() }), '{"a":1}', { a: 1 }],
  ['object that violates', false, Type.Object({ a: Type.Integer() }), '{"a":"1"}', undefined],
  ['object that is no JSON', false, Type.Object({}), '{', undefined],
];
for (const [name, ok, schema, text, value] of rows) {
  test(`coerce: ${name}`, () => {
    const read = coerce(schema, text);
    assert.equal(read.ok, ok);
    if (read.ok) assert.deepEqual(read.value, value);
  });
}

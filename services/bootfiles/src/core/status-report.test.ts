import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStatusReport } from './status-report.ts';

/** As cloud-init 22.4.2 posted it. */
const finish = { name: 'modules-final/config-phone_home', description: 'config-phone_home ran successfully', event_type: 'finish', origin: 'cloudinit', timestamp: 1_795_000_000.5, result: 'SUCCESS' };

test('cloud-init’s events become reports', () => {
  assert.deepEqual(parseStatusReport(JSON.stringify(finish)), {
    ok: true,
    report: { eventType: 'finish', name: finish.name, description: finish.description, result: 'SUCCESS', origin: 'cloudinit', at: '2026-11-18T11:06:40.500Z', files: [] },
  });
  const started = parseStatusReport(JSON.stringify({ event_type: 'start', name: 'init-local', timestamp: -1e300 }));
  assert.ok(started.ok);
  assert.deepEqual([started.report.result, started.report.at, started.report.description], [null, null, '']);
});

test('attached files leave their names; what is long is cut', () => {
  const files = [{ path: '/var/log/curtin.log', encoding: 'base64', content: 'c2VjcmV0' }, { content: 'x' }, null, 'y', ...Array.from({ length: 40 }, (_, at) => ({ path: `/${at}` }))];
  const told = parseStatusReport(JSON.stringify({ ...finish, description: 'x'.repeat(60_000), name: 'n'.repeat(4000), files }));
  assert.ok(told.ok);
  assert.deepEqual([told.report.name.length, told.report.description.length, told.report.files.length, told.report.files[0]], [256, 1000, 13, '/var/log/curtin.log']);
  assert.ok(!JSON.stringify(told).includes('c2VjcmV0'));
});

for (const bad of ['', '{', 'null', '[]', '"x"', '{}', '{"event_type":"boom","name":"x"}', '{"event_type":"start","name":""}', '{"event_type":"start","name":1}', '{"event_type":"finish","name":"x","result":"MAYBE"}', '{"event_type":"start","name":"x","files":"y"}']) {
  test(`refused with a reason: ${bad}`, () => { assert.equal(parseStatusReport(bad).ok, false); });
}

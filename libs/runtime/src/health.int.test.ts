import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Counter } from 'prom-client';
import { createHealth, type Ready } from './health.ts';
import { createLogger } from './logger.ts';

const log = createLogger({ svc: 'test', level: 'silent' });
const health = createHealth({ host: '127.0.0.1', port: 0, log });
const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(`http://127.0.0.1:${health.port()}${path}`, init);
let store: Ready = { ready: false, why: 'not connected' };

before(() => health.start());
after(() => health.stop());

test('alive at once; ready only when each check is, with the reason of each that is not', async () => {
  health.check('store', () => store);
  health.check('view', () => { throw new Error('no snapshot'); });
  assert.equal((await ask('/healthz')).status, 200);
  const red = await ask('/readyz');
  assert.equal(red.status, 503);
  assert.deepEqual(await red.json(), { ready: false, checks: { store: { ready: false, why: 'not connected' }, view: { ready: false, why: 'no snapshot' } } });
  store = { ready: true };
  health.check('view', () => ({ ready: true }));
  const green = await ask('/readyz?verbose');
  assert.equal(green.status, 200);
  assert.deepEqual(await green.json(), { ready: true, checks: { store: { ready: true }, view: { ready: true } } });
});

test('metrics are those of this service, none by default', async () => {
  assert.equal((await (await ask('/metrics')).text()).trim(), '');
  new Counter({ name: 'leases_total', help: 'Leases.', registers: [health.metrics] }).inc(2);
  const answer = await ask('/metrics');
  assert.match(answer.headers.get('content-type') ?? '', /text\/plain/);
  assert.match(await answer.text(), /^leases_total 2$/m);
});

test('anything else is refused', async () => {
  assert.deepEqual([(await ask('/')).status, (await ask('/healthz', { method: 'POST' })).status], [404, 405]);
});

test('a port that is taken is said so', async () => {
  const second = createHealth({ host: '127.0.0.1', port: health.port(), log });
  await assert.rejects(second.start(), { code: 'PORT_UNAVAILABLE', message: /EADDRINUSE/ });
  await second.stop();
});

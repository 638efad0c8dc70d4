import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IronbusError } from '@ironbus/contracts';
import { createLogger, redactSecrets, redactUrl } from './logger.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger({ svc: 'dhcp', rack: 'rack1', level: 'debug' }, { write: (line) => { lines.push(line); } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line has the service, the rack, the level by name, the time and the message', () => {
  const [line] = logged((log) => log.info({ mac: '52:54:00:77:00:01', attempt: 2 }, 'lease granted'));
  assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual({ ...line, time: '' }, { level: 'info', time: '', svc: 'dhcp', rack: 'rack1', mac: '52:54:00:77:00:01', attempt: 2, msg: 'lease granted' });
});

test('nothing under a secret-looking name is written, at any depth and in child loggers', () => {
  const lines = logged((log) => {
    log.info({ bmc: { user: 'admin', bmcPassword: 'hunter2', list: [{ api_token: 'hunter2' }] }, headers: { Authorization: 'Bearer hunter2' } }, 'one');
    log.child({ secret: 'hunter2' }).child({ part: 'relay', token: 'hunter2' }).info('two');
    log.info({ tokens: 3, passwordSet: true }, 'three');
  });
  assert.doesNotMatch(JSON.stringify(lines), /hunter2/);
  assert.equal(lines[1]?.['part'], 'relay');
  assert.deepEqual([lines[2]?.['tokens'], lines[2]?.['passwordSet']], [3, true]);
});

test('an error is written with its code, its detail and its causes, URLs without users', () => {
  const cause = new Error('connect to redis://u:hunter2@host failed');
  const [line] = logged((log) => log.error({ err: new IronbusError('STORE_UNREACHABLE', 'no redis', { cause, detail: 'host:1' }) }, 'failed'));
  const error = line?.['err'] as Record<string, unknown>;
  assert.deepEqual([error['code'], error['detail'], (error['cause'] as Record<string, unknown>)['message']], ['STORE_UNREACHABLE', 'host:1', 'connect to redis://[redacted]@host failed']);
});

test('what holds no secret is passed on as it is', () => {
  const clean = { a: [1, { b: Buffer.from('x') }], at: new Date(0) };
  assert.equal(redactSecrets(clean), clean);
});

test('a loop in what is logged ends', () => {
  const loop: Record<string, unknown> = { secret: 'x' };
  loop['self'] = loop;
  assert.equal((redactSecrets(loop) as Record<string, unknown>)['secret'], '[redacted]');
});

test('every URL in a text loses its user', () => {
  assert.equal(redactUrl('nats://u:p@a:1,nats://b:2 and redis://:pw@c'), 'nats://[redacted]@a:1,nats://b:2 and redis://[redacted]@c');
});

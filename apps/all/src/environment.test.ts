import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '@ironbus/runtime';
import { configSpec } from './config.ts';
import { environment } from './environment.ts';

const rows: [name: string, given: Record<string, string>, url: string, trusted: string][] = [
  ['nothing said', {}, 'http://127.0.0.1:5248', '127.0.0.1,::1'],
  ['another port', { BOOTFILES_PORT: '8080' }, 'http://127.0.0.1:8080', '127.0.0.1,::1'],
  ['one address only', { BOOTFILES_HOST: '10.77.0.1' }, 'http://10.77.0.1:5248', '127.0.0.1,::1,10.77.0.1'],
  ['an IPv6 address', { BOOTFILES_HOST: 'fd00::1' }, 'http://[fd00::1]:5248', '127.0.0.1,::1,fd00::1'],
  ['all addresses of both families', { BOOTFILES_HOST: '::' }, 'http://127.0.0.1:5248', '127.0.0.1,::1'],
  ['a name', { BOOTFILES_HOST: 'localhost' }, 'http://localhost:5248', '127.0.0.1,::1'],
  ['said by the person', { TFTP_BOOTFILES_URL: 'http://10.0.0.1:1', BOOTFILES_TRUSTED_PROXIES: '10.0.0.2' }, 'http://10.0.0.1:1', '10.0.0.2'],
];
for (const [name, given, url, trusted] of rows) {
  test(`TFTP finds bootfiles, which believes it: ${name}`, () => {
    const read = readConfig(configSpec, {});
    assert.ok(read.ok);
    const env = environment(read.config, given);
    assert.deepEqual([env['TFTP_BOOTFILES_URL'], env['BOOTFILES_TRUSTED_PROXIES']], [url, trusted]);
  });
}

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

describe('dhcp decode-cli', () => {
  const cli = fileURLToPath(new URL('./decode-cli.ts', import.meta.url));
  const run = (input: string): { stdout: string; status: number | null } => spawnSync(process.execPath, [cli], { input, encoding: 'utf8' });

  it('explains annotated hex on stdin', () => {
    const { stdout, status } = run(readFileSync(new URL('../../golden/dhcp/udhcpc-discover.hex', import.meta.url), 'utf8'));
    assert.deepEqual([stdout.split('\n')[0], status], ['DHCPDISCOVER, 300 bytes', 0]);
  });
  it('fails on what is not hex', () => assert.equal(run('hello').status, 1));
});

/**
 * Machines that got their address from somebody else’s DHCP server: a real dnsmasq, a real client and the kernel’s own neighbour table, in
 * network namespaces. What is asked there is in test/neighbours.netns.ts.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const ip = (...words: string[]): void => { execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] }); };

test('an asker behind a foreign DHCP server is known by its MAC', async (t) => {
  assert.equal(process.getuid?.(), 0, 'network namespaces need root: run this test as root');
  const [rack, router, machine] = ['rack', 'router', 'machine'].map((name) => `nb${process.pid}-${name}`) as [string, string, string];
  t.after(() => { for (const name of [rack, router, machine]) ip('netns', 'del', name); });
  for (const name of [rack, router, machine]) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  ip('-n', rack, 'link', 'add', 'lan0', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
  ip('-n', rack, 'addr', 'add', '10.98.7.1/24', 'dev', 'lan0');
  ip('-n', rack, 'link', 'set', 'lan0', 'up');
  for (const [name, mac] of [[router, '52:54:00:98:00:fe'], [machine, '52:54:00:77:00:01']] as const) {
    const port = name === router ? 'port-r' : 'port-m';
    ip('link', 'add', port, 'netns', rack, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', rack, 'link', 'set', port, 'master', 'lan0', 'up');
    ip('-n', name, 'link', 'set', 'eth0', 'address', mac, 'up');
  }
  ip('-n', router, 'addr', 'add', '10.98.7.254/24', 'dev', 'eth0');
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['netns', 'exec', rack, process.execPath, '--test', '--test-reporter=spec', join(import.meta.dirname, '../test/neighbours.netns.ts')];
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    execFile('ip', args, { env: { ...env, NB_ROUTER: router, NB_MACHINE: machine }, timeout: 90_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, output: `${stdout}${stderr}` });
    });
  });
  assert.equal(code, 0, output);
});

/** A stock distribution whose cloud-init reads our MAAS-compatible metadata: nothing but credentials is on its disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useLab } from './fixture.ts';
import { waitUntil } from './harness/run.ts';
import { addressOf, commission, deploy, enlist, rackUp, setPower, ssh } from './story.ts';

// An emulated first boot on a busy host takes minutes, and time is not what this is about.
const use = useLab('metadata', '10.94', ['debian'], { env: () => ({ LIFECYCLE_PHONE_HOME_SECONDS: '900' }) });
const userData = '#cloud-config\npackage_update: false\nwrite_files:\n  - { path: /etc/from-user-data, content: "written\\n" }\nruncmd: [[touch, /root/ran]]\n';

test('Debian comes up by the MAAS data source and reports how', async () => {
  const { lab, stack, key, events } = use();
  const rig = await rackUp(lab, 0, 'bios', { memoryMb: 1536 });
  const node = await commission(stack.client, await setPower(stack.client, await enlist(stack.client, rig), rig.bmc));
  const wanted = { image: 'debian', hostname: 'debian-maas', sshKeys: [key.publicKey], userData, datasource: 'maas' };
  const deployed = await deploy(stack.client, node, wanted, 1_200_000);
  const address = addressOf(deployed);
  const ask = 'hostname; cloud-init status --wait --long; ls /root/ran /etc/from-user-data /var/lib/cloud/seed/nocloud; stat -c %a /etc/cloud/cloud.cfg.d/90_ironbus.cfg; ip -4 -o addr show scope global';
  const said = await ssh(lab, key, address, `${ask} 2>&1`);
  assert.match(said, /^debian-maas\n/);
  assert.match(said, /status: done[\s\S]*DataSourceMAAS \[http:/);
  assert.match(said, /\/root\/ran/);
  assert.match(said, /\/etc\/from-user-data/);
  assert.match(said, /^600$/m);
  assert.match(said, new RegExp(`inet ${address}/24`));
  assert.ok(!/dynamic/.test(said), `the address is static: ${said}`);
  const told = () => events.filter((event) => event.type === 'node.status-reported' && event.nodeid === node.id).map((event) => event.data as { eventType: string; name: string; result: string | null });
  // A stage begins before cloud-init has read where to report to.
  await waitUntil('every stage to be reported', async () => ['init-network', 'modules-config', 'modules-final']
    .every((stage) => told().some(({ name, eventType }) => name === stage && eventType === 'finish')), { timeoutMs: 60_000 });
  assert.ok(told().some(({ name, eventType }) => name === 'modules-final/config-phone-home' && eventType === 'start'), JSON.stringify(told()));
  assert.deepEqual(told().filter(({ result }) => result === 'FAIL'), []);
  await rig.machine.power('off');
});

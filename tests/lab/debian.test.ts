/** A stock distribution with the real cloud-init, once per firmware. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useLab } from './fixture.ts';
import { addressOf, commission, deploy, enlist, rackUp, setPower, ssh } from './story.ts';

const use = useLab('debian', '10.83', ['debian']);
const userData = '#cloud-config\npackage_update: false\nwrite_files:\n  - { path: /etc/from-user-data, content: "written\\n" }\nruncmd: [[touch, /root/ran]]\n';

for (const [index, firmware] of (['bios', 'uefi'] as const).entries()) {
  test(`${firmware}: Debian comes up with its hostname, key, user-data and a static address`, async () => {
    const { lab, stack: { client }, key } = use();
    const rig = await rackUp(lab, index, firmware, { memoryMb: 1536 });
    const node = await commission(client, await setPower(client, await enlist(client, rig), rig.bmc));
    const deployed = await deploy(client, node, { image: 'debian', hostname: `debian-${firmware}`, sshKeys: [key.publicKey], userData }, 600_000);
    const address = addressOf(deployed);
    assert.ok(deployed.deployment?.hostKeys.some((line) => line.startsWith('ssh-ed25519 ')), 'phone-home brought the ssh host key');
    const said = await ssh(lab, key, address, 'hostname; cloud-init status --wait; ls /root/ran; df -m / | tail -1; ip -4 -o addr show scope global');
    assert.match(said, new RegExp(`^debian-${firmware}\n`));
    assert.match(said, /status: done/);
    assert.match(said, /\/root\/ran/);
    assert.match(said, new RegExp(`inet ${address}/24`));
    assert.ok(!/dynamic/.test(said), `the address is static: ${said}`);
    assert.ok(Number(/\s(\d+)\s+\d+\s+\d+\s+\d+%/.exec(said)?.[1]) > 4500, `the root file system was grown to the disk: ${said}`);
    await rig.machine.power('off');
  });
}

/** User-data against the schema that Debian's cloud-init itself brings. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { unpackPackage } from '../../../tests/lab/harness/packages.ts';
import { cacheDir } from '../../../tests/lab/stack.ts';
import { errorOf, makeNode, startRegion, fakeLifecycle } from './testing/region.ts';
import { waitFor } from '@ironbus/testkit';

const file = 'usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json';

test('a module that is configured wrongly is refused before a boot is spent, with cloud-init’s own schema', async () => {
  const schema = join(await unpackPackage('cloud-init', cacheDir, () => undefined), file);
  await using region = await startRegion({ env: { API_CLOUD_CONFIG_SCHEMA: schema } });
  await region.startApi();
  await using lifecycle = await fakeLifecycle(region.nats);
  await lifecycle.tell(makeNode({ status: 'Ready', hostname: 'web1' }));
  await waitFor(async () => (await region.call('GET', '/api/v1/machines/web1')).status === 200);
  await region.call('POST', '/api/v1/images?name=debian&format=raw', { body: Buffer.from('bytes') });
  const deploy = (userData: string) => region.call('POST', '/api/v1/machines/web1/deploy', { body: { image: 'debian', userData } });
  const wrong = await deploy('#cloud-config\npackages: [nginx]\nruncmd:\n  a: 1\nwrite_files:\n  - path: /etc/x\n    permissions: 0644\n');
  assert.equal(wrong.status, 422, wrong.text);
  assert.match(errorOf(wrong).message, /\/userData:4: cloud-init would ignore or refuse it: runcmd must be array/);
  assert.match(errorOf(wrong).message, /\/userData:7: .*write_files\.0\.permissions must be string/);
  const right = await deploy('#cloud-config\npackages: [nginx]\nruncmd: [[touch, /root/x]]\nwrite_files:\n  - { path: /etc/x, permissions: "0644" }\n');
  assert.doesNotMatch(errorOf(right)?.message ?? '', /userData/, 'what cloud-init takes gets past the check');
});

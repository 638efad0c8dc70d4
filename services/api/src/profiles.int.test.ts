/** Installer profiles and layers over the API: checked when written, previewed without secrets, deployed by name. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type BootPolicy, bootPoliciesBucket, type DeployData, deployDataBucket, profilesBucket, type NodeId } from '@ironbus/contracts';
import { generateRackKey, open } from '@ironbus/runtime';
import { waitFor } from '@ironbus/testkit';
import { errorOf, fakeLifecycle, makeNode, startRegion, type Fake, type Region } from './testing/region.ts';

let region: Region;
let lifecycle: Fake;
const rackKey = generateRackKey();
const template = 'd-i netcfg/get_hostname string {{ machine.hostname }}\nd-i passwd/root-password-crypted password {{ secrets.root }}\nd-i partman-auto/disk string {{ values.disk }}\n{% include "phone_home" %}';
const debian = { id: 'debian', kind: 'preseed', kernel: 'image:linux', initrd: 'image:initrd', template, kernelArguments: 'priority=high' };

/** A disc image with these files, by xorriso. */
async function discOf(...paths: string[]): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'ironbus-disc-'));
  try {
    for (const path of paths) {
      await mkdir(dirname(join(directory, 'tree', path)), { recursive: true });
      await writeFile(join(directory, 'tree', path), `bytes of ${path}`);
    }
    await promisify(execFile)('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-o', join(directory, 'disc.iso'), join(directory, 'tree')]);
    return await readFile(join(directory, 'disc.iso'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

before(async () => {
  region = await startRegion();
  await region.startApi();
  lifecycle = await fakeLifecycle(region.nats);
  const token = (await region.call('POST', '/api/v1/racks/tokens')).body['token'];
  const joined = await region.call('POST', '/api/v1/racks/join', { body: { token, rack: 'rack1', publicKey: rackKey.publicKey } });
  assert.ok(joined.status < 300, joined.text);
  await lifecycle.tell(makeNode({ id: 'k7x2mp', hostname: 'web1', status: 'Ready', tags: ['gpu'] }));
  await waitFor(async () => (await region.call('GET', '/api/v1/machines/web1')).status === 200);
});
after(async () => {
  await lifecycle[Symbol.asyncDispose]();
  await region.stop();
});

test('a profile needs images that are there, and a template that works; the message says line and remedy', async () => {
  const early = await region.call('POST', '/api/v1/profiles', { body: debian });
  assert.deepEqual([early.status, errorOf(early).code], [404, 'IMAGE_UNKNOWN']);
  for (const name of ['linux', 'initrd']) {
    const added = await region.call('POST', `/api/v1/images?name=${name}&format=file`, { body: Buffer.from(`bytes of ${name}`) });
    assert.equal(added.status, 201, added.text);
  }
  const wrong = await region.call('POST', '/api/v1/profiles', { body: { ...debian, template: 'd-i a/b string x\n{{ machine.hostnam }}' } });
  assert.deepEqual([wrong.status, errorOf(wrong).code], [422, 'PROFILE_INVALID']);
  assert.match(errorOf(wrong).message, /line 2, column 4 of the template: there is no variable machine\.hostnam/);
  const kernel = 'image:disc/install.amd/vmlinuz';
  const disc = await region.call('POST', '/api/v1/images?name=disc&format=iso', { body: await discOf('install.amd/vmlinuz', 'install.amd/initrd.gz') });
  assert.equal(disc.status, 201, disc.text);
  for (const [changes, message] of [
    [{ initrd: 'image:disc/install.amd/initrd' }, /image disc has no file "install\.amd\/initrd": look for it in a rack’s \/images\/[0-9a-f]{64}\/tree\//], [{ initrd: 'image:disc/install.amd' }, /has no file/],
    [{ initrd: 'image:disc' }, /image disc is of format iso: name a file in it/], [{ kernel: 'image:linux/x' }, /only an ISO has files in it/],
  ] as const) {
    const refused = await region.call('POST', '/api/v1/profiles', { body: { ...debian, kernel, ...changes } });
    assert.deepEqual([refused.status, errorOf(refused).code], [422, 'PROFILE_INVALID']);
    assert.match(errorOf(refused).message, message);
  }
  const ofDisc = await region.call('POST', '/api/v1/profiles', { body: { ...debian, id: 'of-disc', kernel, initrd: 'image:disc/install.amd/initrd.gz', overlays: ['initrd'] } });
  assert.equal(ofDisc.status, 201, ofDisc.text);
  const made = await region.call('POST', '/api/v1/profiles', { body: debian });
  assert.equal(made.status, 201, made.text);
  assert.equal((await region.call('POST', '/api/v1/profiles', { body: debian })).status, 409);
  await waitFor(async () => (await lifecycle.bus.kv(profilesBucket).get('debian'))?.value.kind === 'preseed');
  const inUse = await region.call('DELETE', '/api/v1/images/linux');
  assert.deepEqual([inUse.status, errorOf(inUse).code], [409, 'IMAGE_IN_USE']);
  assert.match(errorOf(inUse).message, /profile debian names linux/);
});

test('a preview has the machine’s facts, the layers and the command line by source, and no secret', async () => {
  const strict = await region.call('POST', '/api/v1/profiles/debian/preview?machine=web1');
  assert.deepEqual([strict.status, strict.body['text']], [200, null]);
  assert.match((strict.body['problems'] as string[])[0] ?? '', /line 3, column \d+ of the template: values\.disk is set in no layer that applies/);
  assert.equal((await region.call('PUT', '/api/v1/layers/tag-gpu', { body: { values: { disk: '/dev/nvme0n1' }, kernelArguments: 'console=ttyS1' } })).status, 200);
  const preview = await region.call('POST', '/api/v1/profiles/debian/preview?machine=web1');
  assert.match(preview.body['text'] as string, /^d-i netcfg\/get_hostname string web1\nd-i passwd\/root-password-crypted password redacted-root\nd-i partman-auto\/disk string \/dev\/nvme0n1\nd-i preseed\/late_command string .*\/phone-home\/k7x2mp\/redacted-token/);
  assert.match(preview.body['kernelLine'] as string, /^auto=true .* console=ttyS1 priority=high$/);
  assert.deepEqual((preview.body['sources'] as { from: string }[]).map(({ from }) => from), ['preseed', 'tag-gpu', 'profile debian']);
  assert.equal((await region.call('POST', '/api/v1/profiles/debian/preview?machine=nobody')).status, 404);
  const policy = { node: 'k7x2mp', mac: '52:54:00:77:00:01', version: 1, status: 'Ready', hostname: 'web1', answer: 'local', operation: null, why: 'a test', reservedAddress: null, bootPath: 0, kernelArguments: 'panic=7 odd"word' };
  await lifecycle.bus.kv(bootPoliciesBucket).put('525400770001', policy as unknown as BootPolicy);
  const common = await region.call('POST', '/api/v1/profiles/debian/preview?machine=web1');
  assert.match(common.body['kernelLine'] as string, / panic=7 console=ttyS1 priority=high$/, 'as the rack says it');
  assert.deepEqual((common.body['sources'] as { from: string }[]).map(({ from }) => from), ['preseed', 'LIFECYCLE_KERNEL_ARGUMENTS', 'tag-gpu', 'profile debian']);
  assert.match((common.body['problems'] as string[])[0] ?? '', /kernel arguments of LIFECYCLE_KERNEL_ARGUMENTS: "odd\\"word" can not be said to every boot loader/);
  await lifecycle.bus.kv(bootPoliciesBucket).delete('525400770001');
});

test('a profile in Butane is previewed as the Ignition that the machine would fetch; what is wrong has its line', async () => {
  const butane = 'variant: flatcar\nversion: 1.1.0\nstorage:\n  files:\n    - { path: /etc/hostname, mode: 0644, contents: { inline: {{ machine.hostname }} } }\n  filesystems:\n    - device: {{ values.disk }}\n      format: ext4\n# {{ phone_home.url }}\n';
  const flatcar = { id: 'flatcar', kind: 'ignition', kernel: 'image:linux', initrd: 'image:initrd', template: butane };
  const wrong = await region.call('POST', '/api/v1/profiles', { body: { ...flatcar, template: butane.replace('inline', 'local') } });
  assert.deepEqual([wrong.status, errorOf(wrong).code], [422, 'PROFILE_INVALID']);
  assert.match(errorOf(wrong).message, /line 5 of the rendered text: "local" can not be done here: a rack has no directory of files/);
  const made = await region.call('POST', '/api/v1/profiles', { body: flatcar });
  assert.equal(made.status, 201, made.text);
  const preview = await region.call('POST', '/api/v1/profiles/flatcar/preview?machine=web1');
  assert.deepEqual([preview.body['file'], preview.body['problems']], ['config.ign', []]);
  assert.deepEqual(JSON.parse(preview.body['text'] as string), {
    ignition: { version: '3.4.0' }, storage: { filesystems: [{ device: '/dev/nvme0n1', format: 'ext4' }], files: [{ path: '/etc/hostname', mode: 0o644, contents: { source: 'data:,web1', compression: '' } }] },
  });
  assert.equal((await region.call('DELETE', '/api/v1/profiles/flatcar')).status, 204);
});

test('deploying a profile: rendered with what was given first, then asked for; its secrets travel sealed', async () => {
  const both = await region.call('POST', '/api/v1/machines/web1/deploy', { body: { image: 'linux', profile: 'debian' } });
  assert.match(errorOf(both).message, /either an image or a profile/);
  const image = await region.call('POST', '/api/v1/machines/web1/deploy', { body: { image: 'linux' } });
  assert.match(errorOf(image).message, /is of format file, which no disk is written with/);
  const without = await region.call('POST', '/api/v1/machines/web1/deploy', { body: { profile: 'debian' } });
  assert.deepEqual([without.status, errorOf(without).code], [422, 'REQUEST_INVALID']);
  assert.match(errorOf(without).message, /secrets\.root was not given: deploy with --secret root=<file>/);
  const large = await region.call('POST', '/api/v1/machines/web1/deploy', { body: { profile: 'debian', secrets: { root: 'x' }, userData: 'ü'.repeat(131_073) } });
  assert.deepEqual([large.status, errorOf(large).message], [422, '/userData:1: user-data has 262146 bytes, at most 262144 are taken: put large files in the image, or fetch them from a URL']);
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`s${index}`, 'x'.repeat(4096)]));
  const heavy = await region.call('POST', '/api/v1/machines/web1/deploy', { body: { profile: 'debian', secrets: { ...many, root: 'x' } } });
  assert.equal(heavy.status, 422, heavy.text);
  assert.match(errorOf(heavy).message, /^\/secrets: the secrets have \d+ bytes together, at most 262144 are taken/);
  const misnamed = await region.call('POST', '/api/v1/machines/web1/deploy', { body: { profile: 'debian', secrets: { root: 'x', 'not a name': 'x' } } });
  assert.equal(misnamed.status, 422, 'no template could say it');
  const asked = await region.call('POST', '/api/v1/machines/web1/deploy', { body: { profile: 'debian', secrets: { root: '$6$salt$hash' } }, headers: { 'idempotency-key': 'one' } });
  assert.equal(asked.status, 200, asked.text);
  const { data } = lifecycle.requests.find((event) => event.type === 'node.deploy-requested') as unknown as { data: { profile: object; image?: object; deployData: string } };
  assert.deepEqual([data.profile, data.image], [{ id: 'debian', architectures: ['amd64'] }, undefined]);
  assert.doesNotMatch(JSON.stringify(lifecycle.requests), /salt/);
  const sealed = await lifecycle.bus.kv(deployDataBucket).get(data.deployData);
  assert.deepEqual((open(rackKey.privateKeyPem, `deploy-data/${data.deployData}`, sealed!.value.sealed) as DeployData).secrets, { root: '$6$salt$hash' });
  assert.deepEqual(lifecycle.nodes.get('k7x2mp' as NodeId)?.deployment?.profile, 'debian');
  const inUse = await waitFor(async () => { const answer = await region.call('DELETE', '/api/v1/profiles/debian'); return answer.status === 409 ? answer : undefined; });
  assert.match(errorOf(inUse).message, /web1 is being installed by debian/);
});

test('layers: set as a whole, listed, removed; a name that is no scope is refused', async () => {
  assert.equal((await region.call('PUT', '/api/v1/layers/somewhere', { body: {} })).status, 422);
  for (const body of [{ values: { Disk: 'sda' } }, { values: { Disk: { x: 1 } } }, { snippets: { Users: 1 } }]) {
    assert.equal((await region.call('PUT', '/api/v1/layers/global', { body })).status, 422, 'a name that no template can say');
  }
  assert.equal((await region.call('POST', '/api/v1/profiles', { body: { ...debian, id: 'misnamed', snippets: { Users: { x: 1 } } } })).status, 422);
  const quoted = await region.call('PUT', '/api/v1/layers/global', { body: { kernelArguments: 'a=1 dyndbg="file x" ' } });
  assert.deepEqual([quoted.status, (quoted.body['error'] as { violations: { path: string }[] }).violations.map(({ path }) => path)], [422, ['/kernelArguments', '/kernelArguments']]);
  assert.match(errorOf(quoted).message, /layer global: "dyndbg=\\"file" can not be said to every boot loader, so it is left out: write words without quotes/);
  const set = await region.call('PUT', '/api/v1/layers/machine-k7x2mp', { body: { snippets: { users: '# nobody' } } });
  assert.deepEqual(set.body, { id: 'machine-k7x2mp', values: {}, snippets: { users: '# nobody' }, kernelArguments: '' });
  assert.equal((await region.call('DELETE', '/api/v1/layers/machine-k7x2mp')).status, 204);
  assert.deepEqual([(await region.call('GET', '/api/v1/layers/machine-k7x2mp')).status, JSON.parse((await region.call('GET', '/api/v1/layers')).text).length], [404, 1]);
});

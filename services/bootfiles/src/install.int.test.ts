/** Installers against a real rack: what their boot scripts say, that fetching the configuration claims, and that calling home ends it. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { after, before, beforeEach, test } from 'node:test';
import { bindingsBucket, imagesBucket, layersBucket, profilesBucket, type Image, type Layer, type Profile } from '@ironbus/contracts';
import { unpackedProgram, waitFor } from '@ironbus/testkit';
import { fetchScript, macPath } from '../test/agent.ts';
import { deployment, image as template, mac, node, otherMac, policy } from '../test/fixtures.ts';
import { ofType, startRack, type Rack } from '../test/rack.ts';

let rack: Rack;
let shared: string;
let attempt = 0;
const machine = {
  id: node, hostname: 'web1', macs: [mac], bootMac: mac, uuid: null, serial: 'S1', architecture: 'amd64', firmware: 'bios', tags: [], owner: 'me', hardware: null,
};
const preseed: Profile = {
  id: 'debian', name: 'Debian', kind: 'preseed', architectures: ['amd64'], kernel: 'image:linux', initrd: 'image:initrd', overlays: [], kernelArguments: '--- quiet', snippets: {},
  template: 'd-i netcfg/get_hostname string {{ machine.hostname }}\nd-i partman-auto/disk string {{ values.disk }}\n{% include "phone_home" %}',
};
const putProfile = (changes: Partial<Profile> = {}) => rack.api.kv(profilesBucket).put('debian', { ...preseed, ...changes });
const putLayer = (id: string, changes: Partial<Layer>) => rack.api.kv(layersBucket).put(id, { id, values: {}, snippets: {}, kernelArguments: '', ...changes });
const installPolicy = (step: object = {}) => policy({
  attempt, answer: 'install', steps: [{ id: 'install', kind: 'install', parameters: { profile: 'debian', deployment: { ...deployment, image: null, imageSha256: null, profile: 'debian', disk: null, ...step }, machine } }],
});

async function addImage(id: string, content: Buffer, format: Image['format'] = 'file'): Promise<Image> {
  const image = { ...template, id, format, compression: 'none' as const, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  await writeFile(join(shared, image.sha256), content);
  await rack.api.kv(imagesBucket).put(id, image);
  return image;
}

/** A GET whose answer is the status and the text. */
const get = async (path: string, init: RequestInit = {}): Promise<{ status: number; text: string; headers: Headers }> => {
  const response = await fetch(rack.url(path), init);
  return { status: response.status, text: await response.text(), headers: response.headers };
};
/** Paths in scripts are of the network’s base URL. */
const pathOf = (url: string): string => new URL(url).pathname;

before(async () => {
  shared = await mkdtemp(join(tmpdir(), 'ironbus-files-'));
  rack = await startRack({ BOOTFILES_SHARED_IMAGE_DIR: shared, BOOTFILES_IMAGE_WAIT: '1' });
  await Promise.all([rack.putNetwork(), rack.bind('127.0.0.1', mac), rack.bind('127.0.0.2', otherMac), putLayer('global', { values: { disk: '/dev/vda' }, kernelArguments: 'console=ttyS0' })]);
  await addImage('linux', Buffer.from('a kernel'));
  await addImage('initrd', Buffer.from('an initrd'));
  await putProfile();
  await rack.start();
});
after(async () => { await rack[Symbol.asyncDispose](); await rm(shared, { recursive: true, force: true }); });
beforeEach(async () => { attempt += 1; await putProfile(); await rack.putPolicy(installPolicy()); await waitFor(async () => (await fetchScript(rack)).includes(' url=http'), { what: 'a script that installs' }); });

const bootScript = async (): Promise<{ script: string; config: string }> => {
  const script = await fetchScript(rack);
  const config = / url=(\S+)/.exec(script)?.[1];
  assert.ok(config !== undefined, script);
  return { script, config: pathOf(config) };
};
/** The configuration’s path in the script of a new boot. */
async function bootScriptOf(bootId: string): Promise<string> {
  const { config } = await bootScript();
  await rack.bind('127.0.0.1', mac, { bootId });
  return waitFor(async () => { const now = (await bootScript()).config; return now !== config && now; }, { what: bootId });
}
const mine = (type: string) => ofType(rack.events, type).filter((event) => (event.data as { attempt?: number }).attempt === attempt);

test('the boot script names kernel, initrd and configuration, and the words of every layer', async () => {
  const { script } = await bootScript();
  const url = (content: string): string => `http://10.77.0.1:5248/images/${createHash('sha256').update(content).digest('hex')}`;
  assert.match(script, new RegExp(`^#!ipxe\\n# ironbus: policy-install\\nkernel ${url('a kernel')} initrd=initrd.img auto=true priority=critical url=\\S+ interface=auto hostname=web1 domain=lab.example BOOTIF=01-52-54-00-77-00-01 console=ttyS0 --- quiet \\|\\| goto retry\\ninitrd --name initrd.img ${url('an initrd')} `));
  const grub = await get(`/boot/${macPath}/grub.cfg`);
  const checked = spawnSync('grub-script-check', [], { input: grub.text, encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr);
  assert.match(grub.text, /linux \(http,10\.77\.0\.1:5248\)\/images\/[0-9a-f]{64} auto=true/);
  assert.match((await get(`/boot/${macPath}/pxelinux.cfg`)).text, /KERNEL http:\/\/10\.77\.0\.1:5248\/images\/[0-9a-f]{64}\n {2}INITRD http/);
});

test('fetching the configuration is the claim, once in a boot; calling home ends the attempt and the machine boots its disk', async () => {
  const { config } = await bootScript();
  assert.equal((await get(config, { method: 'HEAD' })).status, 200);
  assert.equal(mine('node.step-claimed').length, 0, 'HEAD claims nothing');
  const first = await get(config);
  assert.equal(first.status, 200);
  const set = spawnSync('debconf-set-selections', ['--checkonly'], { input: first.text, encoding: 'utf8' });
  assert.equal(set.status, 0, set.stderr);
  assert.match(first.text, /^d-i netcfg\/get_hostname string web1\nd-i partman-auto\/disk string \/dev\/vda\n/);
  const again = await get(config);
  assert.equal(again.text, first.text, 'fetched twice, the same text with the same call home');
  await waitFor(() => mine('node.step-claimed').length === 1);
  const claimed = mine('node.step-claimed')[0] as { nodeid?: string; data: unknown };
  assert.deepEqual([claimed.nodeid, (claimed.data as { kind: string }).kind], [node, 'install']);
  const called = /(http\S+) \|\|/.exec(first.text)?.[1] ?? '';
  assert.equal((await get(pathOf(called))).status, 200);
  assert.match(await fetchScript(rack), /# ironbus: deployment-done\n[\s\S]*sanboot/, 'the policy still says install');
  assert.equal((await get(config)).status, 404, 'nothing of it can be fetched any more');
  await waitFor(() => mine('node.phoned-home').length === 1);
  assert.equal(mine('node.step-claimed').length, 1);
});

test('each boot is a claim; after as many as allowed the attempt has failed and nothing is installed', async () => {
  const boots = [];
  for (const bootId of ['boot-2', 'boot-3', 'boot-4']) boots.push(await bootScriptOf(bootId));
  for (const config of boots) assert.equal((await get(config)).status, config === boots[0] ? 404 : 200, 'of unused tokens two are kept');
  assert.equal((await get(await bootScriptOf('boot-5'))).status, 200);
  assert.equal((await get(await bootScriptOf('boot-6'))).status, 404);
  await waitFor(() => mine('node.step-reported').length === 1);
  assert.deepEqual((({ outcome, reason }: { outcome: string; reason: string }) => [outcome, reason])(mine('node.step-reported')[0]?.data as never), ['failed', 'claims-exhausted']);
  assert.match(await fetchScript(rack), /# ironbus: attempt-done/);
  assert.deepEqual(mine('node.step-claimed').map((event) => (event.data as { claim: number }).claim), [1, 2, 3]);
});

test('a configuration goes to the machine it is for: another address, token or time gets nothing, and it is told', async () => {
  const { config } = await bootScript();
  const from = (localAddress: string, path = config): Promise<number> => new Promise((resolve, reject) => {
    request(rack.url(''), { localAddress, path }, (response) => { response.resume(); resolve(response.statusCode ?? 0); }).on('error', reject).end();
  });
  assert.equal(await from('127.0.0.2'), 503);
  assert.equal(await from('127.0.0.3'), 503);
  assert.equal((await get(config.replace(/[^/]{43}/, 'B'.repeat(43)))).status, 404);
  const refusedSo = await Promise.all([config, `/${config}`, config.replace('/i', '/%69'), `http://rack${config}`].map(async (path) => [path, await from('127.0.0.3', path)] as const));
  assert.deepEqual(refusedSo.map(([, status]) => status), [503, 503, 503, 503]);
  await rack.putPolicy(policy({ attempt, answer: 'hold', operation: null, status: 'Allocated' }));
  await waitFor(async () => (await fetchScript(rack)).includes('policy-hold'));
  assert.equal((await get(config)).status, 404);
  const reasons = (): string[] => ofType(rack.observations, 'boot.refused').map((event) => (event.data as { reason: string }).reason);
  await waitFor(() => ['asker-foreign', 'asker-unbound', 'install-token-wrong', 'install-out-of-turn'].every((reason) => reasons().includes(reason)));
  assert.equal(mine('node.step-claimed').length, 0);
  const paths = ofType(rack.observations, 'boot.refused').map((event) => (event.data as { path: string }).path);
  assert.ok(!paths.some((path) => /[A-Za-z0-9_-]{43}/.test(path)), 'no token is told');
});

test('kickstart without a token: the address says who asks, and the cards that Anaconda names have to agree', async () => {
  await putProfile({ kind: 'kickstart', template: 'text\n# {{ machine.mac }}\n{% include "phone_home" %}' });
  await waitFor(async () => /inst\.ks=/.test(await fetchScript(rack)));
  const ask = (card: string) => get('/install/ks.cfg', { headers: { 'X-RHN-Provisioning-MAC-0': `eth0 ${card}`, 'X-RHN-Provisioning-MAC-1': 'eth1 52:54:00:00:00:99' } });
  assert.equal((await ask(otherMac)).status, 404);
  const found = await ask(mac.toUpperCase());
  assert.deepEqual([found.status, found.text.split('\n')[1]], [200, `# ${mac}`]);
  assert.equal((await get('/install/ks.cfg')).status, 200, 'no header, the same boot');
  await waitFor(() => mine('node.step-claimed').length === 1);
  await rack.dhcp.kv(bindingsBucket).put('rack1.127.0.0.1', { address: '127.0.0.1', mac, node: null, network: 'lan1', bootId: `boot-${attempt}`, how: 'leased', stage: 'os', at: '2026-11-20T10:00:00.000Z' } as never);
  await waitFor(async () => { await ask(mac); return mine('node.step-claimed').length === 2; }, { what: 'the next boot to be the next claim' });
});

test('autoinstall: NoCloud’s directory holds meta-data that claims nothing, and user-data that does', async () => {
  await putProfile({ kind: 'autoinstall', template: '#cloud-config\nautoinstall:\n  version: 1\n  late-commands:\n{% include "phone_home" %}' });
  const script = await waitFor(async () => /ds=nocloud;s=\S+\/ /.exec(await fetchScript(rack))?.[0]);
  const seed = pathOf(script.trim().slice('ds=nocloud;s='.length));
  assert.deepEqual(JSON.parse((await get(`${seed}meta-data`)).text), { 'instance-id': 'k7x2mp-3', 'local-hostname': 'web1' });
  assert.deepEqual([(await get(`${seed}vendor-data`)).status, (await get(`${seed}network-config`)).status], [200, 404]);
  assert.equal(mine('node.step-claimed').length, 0);
  assert.match((await get(`${seed}user-data`)).text, /^#cloud-config\n/);
  await waitFor(() => mine('node.step-claimed').length === 1);
});

const butane = `variant: fcos
version: 1.4.0
storage:
  filesystems: [{ device: {{ values.disk }}, path: /var/lib/data, format: xfs, with_mount_unit: true }]
  files:
    - { path: /etc/hostname, mode: 0644, contents: { inline: {{ machine.hostname }} } }
systemd:
  units:
    - name: call-home.service
      enabled: true
      contents: |
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c '{{ phone_home.command | replace: "$", "$$" }}'
        [Install]
        WantedBy=multi-user.target
`;

test('ignition: a profile in Butane is fetched as Ignition JSON that Ignition takes, with the machine’s facts and its call home', async () => {
  await putProfile({ kind: 'ignition', kernelArguments: '', template: butane });
  const url = await waitFor(async () => / ignition\.config\.url=(\S+)/.exec(await fetchScript(rack))?.[1]);
  const accept = 'application/vnd.coreos.ignition+json;version=3.4.0, */*;q=0.1';
  const fetched = (await promisify(execFile)('curl', ['-sS', '--max-time', '10', '-H', `Accept: ${accept}`, '-w', '\n%{http_code} %{content_type}', rack.url(pathOf(url))])).stdout;
  const end = fetched.lastIndexOf('\n');
  assert.equal(fetched.slice(end + 1), '200 application/json; charset=utf-8');
  const text = fetched.slice(0, end);
  const judged = spawnSync(unpackedProgram('ignition', 'usr/bin/ignition-validate'), ['-'], { input: text, encoding: 'utf8' });
  assert.deepEqual([judged.status, `${judged.stdout}${judged.stderr}`], [0, '']);
  const { ignition, storage, systemd } = JSON.parse(text) as { ignition: object; storage: { filesystems: object[]; files: object[] }; systemd: { units: { name: string; contents: string }[] } };
  assert.deepEqual(ignition, { version: '3.3.0' });
  assert.deepEqual(storage, {
    filesystems: [{ device: '/dev/vda', path: '/var/lib/data', format: 'xfs' }], files: [{ path: '/etc/hostname', mode: 0o644, contents: { source: 'data:,web1', compression: '' } }],
  });
  assert.deepEqual(systemd.units.map(({ name }) => name), ['var-lib-data.mount', 'call-home.service']);
  await waitFor(() => mine('node.step-claimed').length === 1);
  const called = /(http\S+) \|\|/.exec(systemd.units[1]?.contents ?? '')?.[1] ?? '';
  assert.equal((await get(pathOf(called))).status, 200);
  await waitFor(() => mine('node.phoned-home').length === 1);
});

test('ignition: Butane that can not be translated for this machine claims nothing and says why', async () => {
  await putProfile({ kind: 'ignition', kernelArguments: '', template: butane.replace('mode: 0644', 'mode: {{ machine.serial }}') });
  const url = await waitFor(async () => / ignition\.config\.url=(\S+)/.exec(await fetchScript(rack))?.[1]);
  const told = await waitFor(async () => { const answer = await get(pathOf(url)); return answer.status === 422 ? answer : undefined; });
  assert.match(told.text, /line 6 of the rendered text: storage\.files\[0\]\.mode is \\"S1\\", a whole number is wanted/);
  assert.equal(mine('node.step-claimed').length, 0);
});

test('a template that does not render for this machine claims nothing and says why', async () => {
  await putProfile({ template: 'd-i a/b string x\n{{ values.nobody }}\n' });
  const { config } = await bootScript();
  const told = await waitFor(async () => { const answer = await get(config, { method: 'GET' }); return answer.status === 422 ? answer : undefined; });
  assert.match(told.text, /line 2, column 4 of the template: values.nobody is set in no layer that applies/);
  assert.equal(mine('node.step-claimed').length, 0);
});

test('a script of kind ipxe is chained, and a profile that is not here yet makes the machine ask again', async () => {
  await putProfile({ kind: 'ipxe', kernel: null, initrd: null, kernelArguments: '', template: '#!ipxe\nimgfetch {{ phone_home.url }}\n' });
  const chain = await waitFor(async () => /chain --replace --autofree (\S+\/install\.ipxe)/.exec(await fetchScript(rack))?.[1]);
  assert.match((await get(pathOf(chain))).text, /^#!ipxe\nimgfetch http:\/\/10\.77\.0\.1:5248\/phone-home\//);
  await rack.api.kv(profilesBucket).delete('debian');
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: profile-missing\n:retry'));
});

/** A cpio archive of one file. */
async function archive(directory: string, name: string, content: string): Promise<Buffer> {
  await writeFile(join(directory, name), content);
  return execFileSync('cpio', ['--create', '--format=newc', '--quiet'], { cwd: directory, input: `${name}\n` });
}
const curl = async (...args: string[]): Promise<Buffer> => (await promisify(execFile)('curl', ['--silent', '--show-error', '--fail', '--max-time', '20', ...args], { encoding: 'buffer', maxBuffer: 1 << 24 })).stdout;
const namesIn = (cpio: Buffer): string => execFileSync('cpio', ['--list', '--quiet'], { input: cpio, encoding: 'utf8' });

test('overlays follow the initrd: cpio reads all of them out of what is sent, and ranges cut it anywhere', async () => {
  const directory = join(shared, 'tree');
  await mkdir(directory);
  const [base, firmware, late] = [await archive(directory, 'init', 'the initrd'), await archive(directory, 'firmware.bin', 'odd'.repeat(1001)), gzipSync(await archive(directory, 'late', 'compressed'))];
  const odd = Buffer.concat([base, Buffer.alloc(1)]);
  await Promise.all([addImage('base', odd), addImage('firmware', firmware), addImage('late', late)]);
  await putProfile({ initrd: 'image:base', overlays: ['firmware', 'late'] });
  await waitFor(async () => (await fetchScript(rack)).includes('initrd --name initrd.img http://10.77.0.1:5248/profiles/debian/initrd '));
  const expected = Buffer.concat([odd, Buffer.alloc(3), firmware, Buffer.alloc((4 - (firmware.length % 4)) % 4), late]);
  const whole = await fetch(rack.url('/profiles/debian/initrd'));
  assert.equal(whole.headers.get('content-length'), `${expected.length}`);
  const sent = Buffer.from(await whole.arrayBuffer());
  assert.ok(sent.equals(expected));
  const plain = sent.subarray(0, sent.length - late.length);
  assert.equal(namesIn(plain), 'init\n');
  assert.equal(namesIn(plain.subarray(odd.length + 3)), 'firmware.bin\n');
  for (const [start, end] of [[0, 0], [odd.length - 1, odd.length + 4], [odd.length, odd.length], [odd.length + 1, expected.length - 1], [100, expected.length - late.length + 3]] as const) {
    const part = await fetch(rack.url('/profiles/debian/initrd'), { headers: { range: `bytes=${start}-${end}` } });
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes ${start}-${end}/${expected.length}`]);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(expected.subarray(start, end + 1)), `${start}-${end}`);
  }
  const head = await fetch(rack.url('/profiles/debian/initrd'), { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), `${expected.length}`);
  const etag = head.headers.get('etag') ?? '';
  for (const [name, value, status] of [['if-none-match', etag, 304], ['if-match', etag, 200], ['if-match', '"another"', 412], ['if-unmodified-since', 'Thu, 01 Jan 1970 00:00:00 GMT', 412]] as const) {
    const answer = await fetch(rack.url('/profiles/debian/initrd'), { headers: { [name]: value } });
    const length = { 200: `${expected.length}`, 304: null, 412: '0' }[status];
    assert.deepEqual([answer.status, answer.headers.get('content-length'), answer.headers.get('etag')], [status, length, etag], `${name}: ${value}`);
    await answer.arrayBuffer();
  }
});

for (const [format, program, ...options] of [
  ['Rock Ridge', 'xorriso', '-as', 'mkisofs', '-quiet', '-R'], ['UDF', 'genisoimage', '-quiet', '-udf', '-hide', '*'],
] as const) {
  test(`kernel and initrd of a disc (${format}): fetched by curl, the overlay after the initrd’s own bytes`, async () => {
    const directory = await mkdtemp(join(shared, 'disc-'));
    const [work, tree] = [join(directory, 'work'), join(directory, 'tree')];
    await Promise.all([mkdir(work), mkdir(join(tree, 'install amd'), { recursive: true })]);
    const initrd = Buffer.concat([await archive(work, 'init', 'of the disc'.repeat(50_000)), Buffer.alloc(3)]);
    const firmware = await archive(work, 'firmware.bin', format);
    await Promise.all([writeFile(join(tree, 'install amd', 'initrd.img'), initrd), writeFile(join(tree, 'install amd', 'vmlinuz'), `kernel ${format}`)]);
    execFileSync(program, [...options, '-o', join(directory, 'disc.iso'), tree], { stdio: 'pipe' });
    await addImage('firmware', firmware);
    const image = await addImage('disc', await readFile(join(directory, 'disc.iso')), 'iso');
    await putProfile({ kernel: 'image:disc/install%20amd/vmlinuz', initrd: 'image:disc/install%20amd/initrd.img', overlays: ['firmware'] });
    const script = await waitFor(async () => { const text = await fetchScript(rack); return text.includes(`/images/${image.sha256}/tree/`) ? text : undefined; });
    const [kernel, joined] = [/^kernel (\S+)/m.exec(script)?.[1] ?? '', /initrd --name initrd\.img (\S+)/.exec(script)?.[1] ?? ''].map((url) => rack.url(pathOf(url))) as [string, string];
    assert.equal((await curl(kernel)).toString(), `kernel ${format}`);
    assert.match(joined, /\/profiles\/debian\/initrd$/);
    const expected = Buffer.concat([initrd, Buffer.alloc((4 - (initrd.length % 4)) % 4), firmware]);
    assert.notEqual(initrd.length % 4, 0, 'the case that needs filling up');
    const sent = await curl(joined);
    assert.ok(sent.equals(expected), `${sent.length} of ${expected.length} bytes`);
    assert.deepEqual([namesIn(sent), namesIn(sent.subarray(-firmware.length))], ['init\n', 'firmware.bin\n']);
    assert.equal(execFileSync('bsdtar', ['-tf', '-'], { input: sent.subarray(-firmware.length), encoding: 'utf8' }), 'firmware.bin\n');
    const head = (await curl('--head', joined)).toString();
    assert.match(head, new RegExp(`^content-length: ${expected.length}\\r$`, 'mi'));
    assert.match(head, /^accept-ranges: bytes\r$/mi);
    const etag = /^etag: (\S+)\r$/mi.exec(head)?.[1] ?? '';
    const codeOf = async (...args: string[]): Promise<string> => (await curl('--output', '/dev/null', '--write-out', '%{http_code}', '--no-fail', ...args, joined)).toString();
    assert.equal(await codeOf('--header', `If-None-Match: ${etag}`), '304');
    for (const [start, end] of [[0, 0], [70_001, 200_000], [initrd.length - 2, initrd.length + 4], [initrd.length, expected.length - 1]] as const) {
      assert.ok((await curl('--range', `${start}-${end}`, joined)).equals(expected.subarray(start, end + 1)), `${start}-${end}`);
    }
    assert.equal(await codeOf('--range', `${expected.length}-`), '416');
  });
}

test('an initrd that the disc does not have, or that is no file, is said to be so', async () => {
  const first = (await rack.api.kv(imagesBucket).get('disc'))?.value;
  assert.equal(first?.format, 'iso');
  for (const [path, why] of [['install%20amd', /a directory, no file/], ['nothing', /has no .*nothing/], ['%2e%2e/x', /has no/], ['%ff', /has no/]] as const) {
    await putProfile({ kernel: 'image:linux', initrd: `image:disc/${path}`, overlays: ['firmware'] });
    const answer = await waitFor(async () => { const got = await get('/profiles/debian/initrd'); return why.test(got.text) ? got : undefined; }, { what: path });
    assert.equal(answer.status, 404);
  }
  await putProfile({ kernel: 'image:linux', initrd: 'image:firmware/x', overlays: ['firmware'] });
  assert.match((await waitFor(async () => { const got = await get('/profiles/debian/initrd'); return got.text.includes('no disc') ? got : undefined; })).text, /no tree of files/);
});

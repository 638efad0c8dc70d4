/** Profiles rendered and judged: every kind, every layer, every mistake with its line. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { test } from 'node:test';
import { profileKinds, type Layer, type MachineFacts, type Network, type Profile } from '@ironbus/contracts';
import { checkProfile, formatProblem, kernelLine, kinds, layersFor, renderConfig, renderTemplate, type ComposeFrom } from './index.ts';
import { examples } from './test/examples.ts';

const machine = {
  id: 'k7x2mp', hostname: 'web1', macs: ['52:54:00:77:00:01'], bootMac: '52:54:00:77:00:01', uuid: null, serial: 'S1', architecture: 'amd64', firmware: 'bios', tags: ['rack-b', 'gpu'], owner: null,
  hardware: { cpuModel: 'Z', cpuThreads: 8, memoryBytes: 2 ** 33, manufacturer: null, product: null, bmcAddress: null, nics: [], disks: [{ name: 'sda', path: '/dev/sda', sizeBytes: 1e9, serial: null }] },
} as unknown as MachineFacts;
const network = { id: 'lan1', cidr: '10.77.0.0/20', gateway: '10.77.0.254', dnsServers: ['10.77.0.2'], ntpServers: [], domain: 'lab.example', mtu: null } as unknown as Network;
const profileOf = (changes: Partial<Profile> = {}): Profile => ({
  id: 'p', name: 'P', kind: 'preseed', architectures: ['amd64'], kernel: 'image:linux', initrd: 'image:initrd', overlays: [], kernelArguments: '', template: examples.preseed, snippets: {}, ...changes,
});
const fromOf = (changes: Partial<ComposeFrom> = {}): ComposeFrom => ({
  profile: profileOf(), machine, layers: [], deployment: { hostname: 'web1', sshKeys: ['ssh-ed25519 AAAA me'], addressing: 'static', instanceId: 'k7x2mp-3' }, network, address: '10.77.0.9', 
  images: { linux: { sha256: 'a'.repeat(64) }, initrd: { sha256: 'b'.repeat(64) } }, baseUrl: 'http://10.77.0.1:5248', configUrl: 'http://10.77.0.1:5248/install/k7x2mp/T/preseed.cfg',
  phoneHomeUrl: 'http://10.77.0.1:5248/phone-home/k7x2mp/S', userData: null, secrets: { root: '$6$x' }, ...changes,
});
const layer = (id: string, changes: Partial<Layer> = {}): Layer => ({ id, values: {}, snippets: {}, kernelArguments: '', ...changes });
const text = (from: ComposeFrom): string => {
  const rendered = renderConfig(from);
  assert.ok(rendered.ok, JSON.stringify(rendered));
  return rendered.text;
};
const problem = (from: ComposeFrom): string => {
  const rendered = renderConfig(from);
  assert.ok(!rendered.ok);
  return formatProblem(rendered.problem);
};

test('every kind has an example that passes, calls home, and says where its configuration is', () => {
  for (const kind of profileKinds) {
    const profile = profileOf({ kind, template: examples[kind], ...(kind === 'ipxe' && { kernel: null, initrd: null }) });
    assert.deepEqual(checkProfile(profile, { images: {}, layers: [] }), [], kind);
    assert.match(text(fromOf({ profile })), /\/phone-home\/k7x2mp\/S/, kind);
    if (kind !== 'ipxe') assert.match(kernelLine({ ...fromOf({ profile, configUrl: `http://h/install/n/T/${kinds[kind].config}` }), common: '' }).words.join(' '), /http:\/\/h\/install\/n\/T\//, kind);
  }
});

test('a template sees machine, network, keys and images', () => {
  const template = '#{{ machine.fqdn }} {{ machine.memory_mib }} {{ machine.disks[0].size_bytes }} {{ network.netmask }}/{{ network.prefix }} {{ network.address }} {{ ssh_keys | join: "," }} {{ images.linux.tree }}\n{% include "phone_home" %}';
  assert.match(text(fromOf({ profile: profileOf({ template }) })), /^#web1\.lab\.example 8192 1000000000 255\.255\.240\.0\/20 10\.77\.0\.9 ssh-ed25519 AAAA me http:\/\/10\.77\.0\.1:5248\/images\/a{64}\/tree\n/);
});

test('what firmware says stays in its line', () => {
  const hostile = { ...machine, serial: 'S1\nd-i evil/line string x\u0085\u2028y\u0000', hardware: { ...machine.hardware, product: 'A\r\nB', disks: [{ path: '/dev/sda', serial: 'D\n1' }] } } as unknown as MachineFacts;
  const template = '# {{ machine.serial }}|{{ machine.product }}|{{ machine.disks[0].serial }}|{{ machine.disks | map: "serial" }}\n{% include "phone_home" %}';
  assert.equal(text(fromOf({ machine: hostile, profile: profileOf({ template }) })).split('\n')[0], '# S1 d-i evil/line string x  y |A  B|D 1|D 1');
});

test('layers: global, tags by name, machine; the later one wins over values and snippets', () => {
  const all = [
    layer('global', { values: { disk: 'global', zone: 'UTC' }, snippets: { users: '# global' } }), layer('tag-gpu', { values: { disk: 'gpu' } }),
    layer('tag-rack-b', { values: { disk: 'rack-b' }, snippets: { users: '# rack {{ values.disk }}' } }), layer('tag-other', { values: { disk: 'no' } }), layer('machine-k7x2mp', { values: { disk: 'own' } }),
  ];
  const layers = layersFor(machine, (id) => all.find((one) => one.id === id));
  assert.deepEqual(layers.map(({ id }) => id), ['global', 'tag-gpu', 'tag-rack-b', 'machine-k7x2mp']);
  const template = '# {{ values.disk }} {{ values.zone }}\n{% include "users" %}\n';
  assert.equal(text(fromOf({ layers, profile: profileOf({ template, snippets: { users: '# profile' } }) })), '# own UTC\n# rack own\n');
});

test('kernel arguments: the kind’s, the common ones, global, tag, profile, machine; what follows --- comes last', () => {
  const layers = [layer('global', { kernelArguments: 'a=1 --- quiet' }), layer('tag-gpu', { kernelArguments: 'a=2 bad"word' }), layer('machine-k7x2mp', { kernelArguments: 'a=4 -- console=ttyS0' })];
  const line = kernelLine({ ...fromOf({ layers, profile: profileOf({ kernelArguments: 'a=3 repo={{ images.linux.url }}' }) }), common: 'panic=30' });
  assert.equal(line.words.join(' '), `auto=true priority=critical url=http://10.77.0.1:5248/install/k7x2mp/T/preseed.cfg interface=auto hostname=web1 domain=lab.example BOOTIF=01-52-54-00-77-00-01 panic=30 a=1 a=2 a=3 repo=http://10.77.0.1:5248/images/${'a'.repeat(64)} a=4 --- quiet console=ttyS0`);
  assert.deepEqual(line.sources.map(({ from }) => from), ['preseed', 'LIFECYCLE_KERNEL_ARGUMENTS', 'global', 'tag-gpu', 'profile p', 'machine-k7x2mp']);
  assert.deepEqual([line.installed, line.refused], [['quiet', 'console=ttyS0'], ['bad"word']]);
});

test('kernel arguments that can not work are told before a boot is spent', () => {
  const of = (changes: Partial<Profile>): string[] => kernelLine({ ...fromOf({ profile: profileOf(changes) }), common: '' }).problems.map(formatProblem);
  assert.match(of({ kind: 'kickstart', kernelArguments: '--- quiet' })[0] ?? '', /go to the installed system with preseed and autoinstall only/);
  assert.match(of({ kernelArguments: 'x={{ secrets.password }}' })[0] ?? '', /line 1, column 6 of the kernel arguments: secrets.password was not given/);
  assert.match(of({ kernelArguments: 'dyndbg="file' })[0] ?? '', /^kernel arguments of profile p: "dyndbg=\\"file" can not be said to every boot loader, so it is left out: write words without quotes/);
  assert.match(of({ kernelArguments: 'initrd=x' })[0] ?? '', /^kernel arguments of profile p: "initrd=x" is left out: initrd=, BOOTIF= and ironbus\.\* are said by Ironbus alone/);
  assert.match(of({ kernelArguments: 'call={{ phone_home.url }}' })[0] ?? '', /line 1, column 9 of the kernel arguments: there is no variable phone_home\.url/);
  assert.match(of({ kernelArguments: Array.from({ length: 20 }, (_, index) => `word${index}=${'y'.repeat(90)}`).join(' ') })[0] ?? '', /has \d+ bytes, those that loaders add among them, and Linux keeps 2048/);
});

test('the command line is counted as Linux gets it: with the real token, and with what PXELINUX adds', () => {
  const lineOf = (spare: number, token: string) => kernelLine({ ...fromOf({ profile: profileOf({ kernelArguments: 'y'.repeat(500).concat(' ').repeat(3).concat('x'.repeat(spare)) }), configUrl: `http://10.77.0.1:5248/install/k7x2mp/${token}/preseed.cfg` }), common: '' });
  const [preview, real] = [lineOf(1, 'redacted-token'), lineOf(1, 'T'.repeat(43))];
  const boots = `BOOT_IMAGE=http://10.77.0.1:5248/images/${'a'.repeat(64)} initrd=http://10.77.0.1:5248/images/${'b'.repeat(64)} ${real.words.join(' ')}`;
  assert.deepEqual([preview.bytes, real.bytes], [boots.length + 1, boots.length + 1]);
  const fits = 2048 - real.bytes + 1;
  assert.deepEqual([lineOf(fits, 'redacted-token').problems, lineOf(fits + 1, 'redacted-token').problems.map(formatProblem)], [
    [], ['the command line has 2049 bytes, those that loaders add among them, and Linux keeps 2048: move settings into the template'],
  ]);
});

const explosion = `a0: &a0 [${'x, '.repeat(9)}]\n${[1, 2, 3, 4].map((at) => `a${at}: &a${at} [${`*a${at - 1}, `.repeat(9)}]\n`).join('')}`;

const mistakes: [why: string, profile: Partial<Profile>, message: RegExp][] = [
  ['unknown variable', { template: 'd-i a/b string x\n  {{ machine.hostnam }}' }, /^line 2, column 6 of the template: there is no variable machine.hostnam/],
  ['value in no layer', { template: '{{ values.disk }}' }, /^line 1, column 4 of the template: values.disk is set in no layer that applies/],
  ['secret not given', { template: '{{ secrets.rooot }}' }, /secrets.rooot was not given: deploy with --secret rooot=<file>/],
  ['unknown filter', { template: 'a\n\n{{ machine.id | shout }}' }, /^line 3, column 1 of the template: undefined filter: shout/],
  ['tag not closed', { template: '# x\n{% if machine.id %}' }, /^line 2, column 1 of the template: tag .* not closed/],
  ['unknown snippet', { template: '{% include "usres" %}', snippets: { users: '' } }, /there is no snippet "usres"; there are phone_home, users/],
  ['mistake in a snippet', { template: '{% include "users" %}', snippets: { users: '# x\n{{ nobody }}' } }, /^line 2, column 4 of snippet users: there is no variable nobody/],
  ['endless loop', { template: '{% for i in (1..1000000000) %}x{% endfor %}' }, /too large or loops too long/],
  ['a snippet that includes itself', { template: '{% include "a" %}', snippets: { a: '{% include "a" %}' } }, /^line 1, column 1 of .*: snippets include each other without an end, or tags are nested too deep/],
  ['file of the host', { template: '{% include "/etc/passwd" %}' }, /there is no snippet "\/etc\/passwd"/],
  ['prototype', { template: '{{ machine.constructor }}{{ machine.__proto__ }}' }, /there is no variable machine.constructor/],
  ['preseed: no answer', { template: '# x\nd-i netcfg/get_hostname' }, /^line 2 of the rendered text: "d-i netcfg\/get_hostname" is no answer/],
  ['preseed: type', { template: 'd-i a/b strnig x' }, /^line 1 .* "strnig" is no type of debconf/],
  ['kickstart: open section', { kind: 'kickstart', template: 'text\n%packages\nvim\n%post\nx\n%end\n' }, /^line 2 .* %packages is not closed before %post in line 4/],
  ['kickstart: unknown section', { kind: 'kickstart', template: 'text\n%packges\n%end\n' }, /^line 2 .* there is no section %packges/],
  ['autoinstall: header', { kind: 'autoinstall', template: '# cloud-config\nautoinstall: {version: 1}' }, /^line 1 .* exactly that/],
  ['autoinstall: YAML', { kind: 'autoinstall', template: '#cloud-config\nautoinstall:\n  version: 1\n a: [' }, /^line [45] .* not YAML/],
  ['autoinstall: version', { kind: 'autoinstall', template: '#cloud-config\nautoinstall:\n  storage: {}\n' }, /^line 2 .* needs "version: 1"/],
  ['autoinstall: aliases that explode', { kind: 'autoinstall', template: `#cloud-config\nautoinstall: { version: 1 }\n${explosion}` }, /aliases stand for more than 100 copies/],
  ['autoinstall: two documents', { kind: 'autoinstall', template: '#cloud-config\nautoinstall: { version: 1 }\n---\nb: 1\n' }, /^line 3 .* one document: remove the "---"/],
  ['talos: aliases that explode', { kind: 'talos', template: `version: v1alpha1\nmachine: {}\n${explosion}` }, /aliases stand for more than 100 copies/],
  ['autoyast: nothing', { kind: 'autoyast', template: '{% comment %}{% endcomment %}' }, /^line 1 .* not XML: missing root element/],
  ['autoyast: XML', { kind: 'autoyast', template: '<profile>\n<a>\n</b>\n</profile>' }, /^line [234] .* not XML/],
  ['autoyast: root', { kind: 'autoyast', template: '<autoinst/>' }, /AutoYaST wants <profile>/],
  ['ignition: JSON', { kind: 'ignition', template: '{\n "ignition": {,\n}' }, /^line 2 .* not JSON/],
  ['ignition: Butane', { kind: 'ignition', template: '# {{ machine.id }}\n{% if true %}\nvariant: fcos\n{% endif %}\nversion: 1.5.0\nstorag: {}\n' }, /^line 6 of the rendered text: there is no "storag" .* did you mean "storage"/],
  ['a line that a loop made', { kind: 'ignition', template: 'variant: fcos\nversion: 1.5.0\n{% for tag in machine.tags %}\n# {{ tag }}\n{% endfor %}\npasswd: { user: {{ ssh_keys | json }} }\n' }, /^line 8 of the rendered text \(line 6 of the template\): there is no "user"/],
  ['a line of a snippet', { kind: 'ignition', template: 'variant: fcos\nversion: 1.5.0\n{% include "users" %}', snippets: { users: 'passwd:\n  group: [{{ machine.id }}]\n' } }, /^line 4 of the rendered text \(line 2 of snippet users\): there is no "group"/],
  ['a line that several may have made', { kind: 'ignition', template: 'variant: fcos\nversion: 1.5.0\n{% for tag in machine.tags %}\n{% endfor %}\nx: {{ machine.id }}\n{% if false %}\nx: {{ machine.serial }}\n{% endif %}' }, /^line 6 of the rendered text: there is no "x"/],
  ['talos', { kind: 'talos', template: 'version: v1alpha1\ncluster: {}\n' }, /no map "machine"/],
  ['ipxe', { kind: 'ipxe', template: '# !ipxe\n' }, /begins with "#!ipxe"/],
];

const butane = `variant: fcos
version: 1.5.0
passwd: { users: [{ name: core, ssh_authorized_keys: {{ ssh_keys | json }} }] }
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents: { inline: {{ machine.fqdn | json }} }
    - path: /usr/local/bin/call-home
      mode: 0755
      contents:
        inline: |
          #!/bin/sh
          # the first boot says that it is done
          {{ phone_home.command }}
`;

test('Butane becomes the Ignition that the machine fetches, and its call home is seen although it is packed', () => {
  const profile = profileOf({ kind: 'ignition', template: butane });
  assert.deepEqual(checkProfile(profile, { images: {}, layers: [] }), []);
  const made = text(fromOf({ profile }));
  assert.ok(!made.includes('/phone-home/'));
  const { ignition, passwd, storage } = JSON.parse(made) as { ignition: object; passwd: object; storage: { files: { path: string; mode: number; contents: { source: string; compression: string } }[] } };
  assert.deepEqual([ignition, passwd], [{ version: '3.4.0' }, { users: [{ name: 'core', sshAuthorizedKeys: ['ssh-ed25519 AAAA me'] }] }]);
  const [hostname, script] = storage.files;
  assert.deepEqual(hostname, { path: '/etc/hostname', mode: 0o644, contents: { source: 'data:,web1.lab.example', compression: '' } });
  assert.equal(script?.contents.compression, 'gzip');
  assert.match(gunzipSync(Buffer.from(script?.contents.source.split(',')[1] ?? '', 'base64')).toString(), /^#!\/bin\/sh\n# the first boot .*\ni=0; until curl -fsS -o \/dev\/null http:\/\/10\.77\.0\.1:5248\/phone-home\/k7x2mp\/S /);
  assert.match(checkProfile(profileOf({ kind: 'ignition', template: butane.replace('{{ phone_home.command }}', 'true') }), { images: {}, layers: [] })[0]?.message ?? '', /nothing in it calls home/);
});

test('the guide’s Butane works', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/installers.md'), 'utf8');
  const template = /^## Butane$[\s\S]*?^```yaml\n([\s\S]*?)^```$/m.exec(guide)?.[1] ?? '';
  assert.deepEqual(checkProfile(profileOf({ kind: 'ignition', template }), { images: {}, layers: [] }), []);
  assert.match(text(fromOf({ profile: profileOf({ kind: 'ignition', template }) })), /"version": "3.4.0"/);
});

test('a value that only a machine’s layers give is judged when there is a machine', () => {
  const template = `${butane}  filesystems:\n    - device: {{ values.disk }}\n      format: xfs\n`;
  const problems = (text: string): string[] => checkProfile(profileOf({ kind: 'ignition', template: text }), { images: {}, layers: [] }).map(formatProblem);
  assert.deepEqual(problems(template), []);
  assert.match(problems(template.replace('format: xfs', 'format: ntfs')).join(), /Ignition makes no "ntfs"/);
  assert.match(problems(template.replace('{{ phone_home.command }}', 'true')).join(), /nothing in it calls home/);
  assert.match(problem(fromOf({ profile: profileOf({ kind: 'ignition', template }), layers: [layer('global', { values: { disk: 'sdb' } })] })), /"sdb" is no absolute path/);
});

test('mistakes are told with line and remedy', async (t) => {
  for (const [why, profile, message] of mistakes) await t.test(why, () => assert.match(problem(fromOf({ profile: profileOf(profile) })), message));
});

const secret = 'S3cr3t';
const secretMistakes: [why: string, profile: Partial<Profile>, message: RegExp][] = [
  ['preseed', { template: 'd-i a/b string x\nd-i c/d password {{ secrets.several }}' }, /^line 3 of the rendered text: what a secret or the user-data says is not taken here by preseed: look at its quotes and line ends/],
  ['preseed, the user-data', { template: '{{ user_data }}' }, /^line 1 of the rendered text.*: "redacted-user-data" is no answer/],
  ['preseed, a mistake besides', { template: 'd-i a/b strnig {{ secrets.root }}' }, /"strnig" is no type of debconf/],
  ['a snippet’s name', { template: '{% include secrets.root %}' }, /^line 1, column 1 of the template: there is no snippet "redacted-root"/],
  ['a call home', { template: 'd-i a/b string x\n{{ phone_home.url | replace: "http://10.77.0.1:5248/phone-home/", "" }}' }, /"k7x2mp\/redacted-token" is no answer/],
  ['ignition, a value', { kind: 'ignition', template: '{"ignition":{"version":"{{ secrets.root }}"}}' }, /there is no spec version "redacted-root"/],
  ['ignition, no JSON', { kind: 'ignition', template: '{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"a","passwordHash":"{{ secrets.quoted }}"}]}}\n' }, /^line 1 of the rendered text: what a secret/],
  ['autoyast', { kind: 'autoyast', template: '<profile><{{ secrets.root }}></profile>' }, /not XML/],
];

test('what is said of a mistake holds no secret, for it goes to logs', async (t) => {
  const from = { phoneHomeUrl: `http://10.77.0.1:5248/phone-home/k7x2mp/${secret}`, userData: secret, secrets: { root: secret, several: `a\n${secret}`, quoted: `"${secret}` } };
  for (const [why, profile, message] of secretMistakes) await t.test(why, () => {
    const told = problem(fromOf({ ...from, profile: profileOf(profile) }));
    assert.match(told, message);
    assert.ok(!told.includes(secret), told);
  });
});

test('a profile is refused that nobody would hear of, that has no kernel, or whose overlays have nothing to follow', () => {
  const messages = (changes: Partial<Profile>): string => checkProfile(profileOf(changes), { images: {}, layers: [] }).map(({ path, message }) => `${path} ${message}`).join('; ');
  assert.match(messages({ template: 'd-i a/b string {{ values.x }} {{ secrets.y }}\n' }), /^\/template nothing in it calls home/);
  assert.match(messages({ kernel: null }), /^\/kernel preseed needs a kernel/);
  assert.match(messages({ initrd: 'http://mirror/initrd.gz', overlays: ['firmware'] }), /^\/overlays overlays are appended to an initrd of the rack’s own/);
  const formats = (changes: Partial<Profile>): string => checkProfile(profileOf(changes), { layers: [], images: {
    disc: { sha256: 'a', format: 'iso' }, linux: { sha256: 'b', format: 'file' }, initrd: { sha256: 'c', format: 'file' }, disk: { sha256: 'd', format: 'raw' },
  } }).map(({ path, message }) => `${path} ${message}`).join('; ');
  assert.equal(formats({ kernel: 'image:disc/casper/vmlinuz', initrd: 'image:disc/casper/initrd', overlays: ['initrd'] }), '');
  assert.match(formats({ kernel: 'image:disc' }), /^\/kernel image disc is of format iso: name a file in it: image:disc\/<path>$/);
  assert.match(formats({ initrd: 'image:initrd/x' }), /^\/initrd image initrd is of format file: only an ISO has files in it/);
  assert.match(formats({ overlays: ['initrd', 'disk'] }), /^\/overlays\/1 image disk is of format raw: add the file itself/);
  assert.match(messages({ kind: 'ipxe', template: examples.ipxe }), /^\/kernel the template of kind ipxe is the boot script/);
});

test('AutoYaST’s file may begin with a byte order mark, as any XML', () => assert.ok(kinds.autoyast.make('\ufeff<profile/>').ok));

test('what a template says can not reach JavaScript', () => {
  for (const evil of ['{{ "".constructor }}', '{{ machine | map: "constructor" | first | json }}', '{% assign x = machine.hasOwnProperty %}{{ x }}']) {
    const rendered = renderTemplate(evil, {}, { machine: [{ a: 1 }] });
    assert.ok(!rendered.ok || !/function|native/.test(rendered.text), evil);
  }
});

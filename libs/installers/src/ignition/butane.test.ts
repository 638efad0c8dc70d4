/** Butane and Ignition as they are written: what they become, and what is refused with its line. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatProblem } from '../template.ts';
import { butaneExamples } from '../test/butane-examples.ts';
import { ignitionFrom } from './config.ts';
import { merge } from './merge.ts';
import { newPlaces } from './places.ts';
import { config as configShape } from './schema.ts';
import { escapePath } from './unit-file.ts';

const translated = (text: string): object => {
  const made = ignitionFrom(text);
  assert.ok(made.ok, JSON.stringify(made));
  return JSON.parse(made.text) as object;
};
const refusal = (text: string): string => {
  const made = ignitionFrom(text);
  assert.ok(!made.ok, `accepted: ${text}`);
  return formatProblem(made.problem);
};
/** Examples name a packed content by what it says. */
const opened = (value: unknown, expected: unknown): unknown => {
  if (Array.isArray(value)) return value.map((one, index) => opened(one, (expected as unknown[] | undefined)?.[index]));
  if (typeof value !== 'object' || value === null) return value;
  const { source, ...rest } = value as { source?: string };
  const packed = (expected as { gzip?: string } | undefined)?.gzip === undefined ? undefined : /^data:;base64,(.*)$/.exec(source ?? '')?.[1];
  if (packed !== undefined) return { gzip: gunzipSync(Buffer.from(packed, 'base64')).toString(), ...rest };
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, opened(own, (expected as Record<string, unknown> | undefined)?.[key])]));
};

test('what Butane says becomes Ignition', async (t) => {
  for (const { why, butane, ignition } of butaneExamples) await t.test(why, () => assert.deepEqual(opened(translated(butane), ignition), ignition));
});

test('each version of Butane makes its own spec version', () => {
  const made = (variant: string, versions: readonly string[]): string[] => versions.map((version) => (translated(`variant: ${variant}\nversion: ${version}\n`) as { ignition: { version: string } }).ignition.version);
  assert.deepEqual(made('fcos', ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0', '1.5.0', '1.6.0', '1.7.0']), ['3.0.0', '3.1.0', '3.2.0', '3.2.0', '3.3.0', '3.4.0', '3.5.0', '3.6.0']);
  assert.deepEqual(made('flatcar', ['1.0.0', '1.1.0']), ['3.3.0', '3.4.0']);
});

const fcos = (body: string, version = '1.5.0'): string => `variant: fcos\nversion: ${version}\n${body}`;
const filesystem = (fields: string, version?: string): string => fcos(`storage:\n  filesystems:\n    - device: /dev/sdb\n      ${fields}\n`, version);
const file = (fields: string, version?: string): string => fcos(`storage:\n  files:\n    - path: /a\n      ${fields}\n`, version);
const serviceUnit = (fields: string, version?: string): string => fcos(`systemd:\n  units:\n    - name: a.service\n      ${fields}\n`, version);
const luks = (fields: string, version?: string): string => fcos(`storage:\n  luks:\n    - name: a\n      ${fields}\n`, version);
const boot = (fields: string, version?: string): string => fcos(`boot_device:\n  ${fields}\n`, version);
const disk = (fields: string, version?: string): string => fcos(`storage:\n  disks:\n    - device: /dev/sdb\n      ${fields}\n`, version);

const mistakes: [why: string, text: string, message: RegExp][] = [
  ['neither', 'just a text', /^line 1 .* neither Ignition nor Butane/],
  ['nothing', '', /neither Ignition nor Butane/],
  ['no YAML', fcos('storage: [\n'), /^line [34] .* not YAML/],
  ['two documents', `${fcos('')}---\na: 1\n`, /not YAML: Source contains multiple documents/],
  ['a key twice', fcos('storage: {}\nstorage: {}\n'), /^line 4 .* not YAML: Map keys must be unique/],
  ['no variant', 'version: 1.5.0\n', /write "variant: fcos" or "variant: flatcar"/],
  ['another variant', 'version: 4.14.0\nvariant: openshift\n', /^line 2 .* no translation for variant "openshift": there are fcos and flatcar/],
  ['no version', 'variant: fcos\n', /there is no version: write one of 1.0.0, /],
  ['a version that is none', fcos('', '1.9.0'), /^line 2 .* no version "1.9.0" of fcos: write one of/],
  ['unknown key', fcos('storage:\n  files:\n    - path: /a\n      contnets: {}\n'), /^line 6 .* there is no "contnets" in storage.files\[0\] of fcos 1.5.0: did you mean "contents"\?/],
  ['a key far from all', fcos('gadgets: {}\n'), /^line 3 .* there is no "gadgets" at the top of fcos 1.5.0: there are variant, version, ignition/],
  ['Ignition’s spelling', disk('wipeTable: true'), /^line 6 .* write "wipe_table"/],
  ['came later', fcos('grub: {}\n', '1.4.0'), /^line 3 .* came with fcos 1.5.0: write "version: 1.5.0"/],
  ['came later: a version of the same spec', fcos('boot_device: {}\n', '1.2.0'), /it came with fcos 1.3.0/],
  ['came later, deep', luks('cex: { enabled: true }'), /it came with fcos 1.6.0/],
  ['not of Flatcar', 'variant: flatcar\nversion: 1.1.0\nboot_device: {}\n', /^line 3 .* there is no "boot_device" at the top of flatcar 1.1.0/],
  ['Flatcar has it in no version', 'variant: flatcar\nversion: 1.1.0\nstorage: { luks: [{ name: a, device: /dev/a, cex: {} }] }\n', /there is no "cex" .* no version of it has that/],
  ['clevis on Flatcar', 'variant: flatcar\nversion: 1.1.0\nstorage: { luks: [{ name: a, device: /dev/a, clevis: { tpm2: true } }] }\n', /Flatcar has no clevis/],
  ['a merge key', fcos('storage:\n  <<: {}\n'), /^line 4 .* "<<" in storage of fcos 1.5.0 is no key of Butane’s/],
  ['a tag', file('contents: { inline: !!binary aGk= }'), /^line 6 .*(Unresolved|no use for the) tag/],
  ['an alias of nothing', file('user: *me'), /^line 6 .* nothing before this is called &me/],
  ['an alias of what it stands in', fcos('storage: &s\n  disks: [*s]\n'), /storage.disks\[0\]/],
  ['a map for a list', fcos('storage:\n  files: { path: /a }\n'), /^line 4 .* storage.files is a map, a list is wanted/],
  ['a list for a map', fcos('storage: []\n'), /^line 3 .* storage is a list, a map is wanted/],
  ['a text for a map', fcos('storage: yes\n'), /storage is "yes", a map is wanted/],
  ['a map for a text', file('contents: { inline: { a: 1 } }'), /storage.files\[0\].contents.inline is a map, a text is wanted/],
  ['a quoted mode', file('mode: "0644"'), /^line 6 .* storage.files\[0\].mode is "0644", a whole number is wanted: write it without quotes/],
  ['a mode with an 8', file('mode: 0684'), /is octal and has no 8 and no 9/],
  ['a decimal mode', file('mode: 644'), /^line 6 .* the mode 644 is decimal, that is 01204: write 0644/],
  ['no mode', file('mode: 0100644'), /33188 is no mode/],
  ['setuid before it works', file('mode: 04755'), /04755 sets setuid, setgid or sticky/],
  ['a quoted flag', file('overwrite: "true"'), /storage.files\[0\].overwrite is "true", true or false is wanted: write it without quotes/],
  ['local', file('contents: { local: a.txt }'), /^line 6 .* "local" can not be done here: a rack has no directory of files .* write the content under "inline" \(a snippet/],
  ['trees', fcos('storage:\n  trees: [{ local: a }]\n'), /^line 4 .* "trees" can not be done here: .* write each file under storage.files/],
  ['contents_local', serviceUnit('contents_local: a'), /^line 6 .* "contents_local" can not be done here: .* under "contents"/],
  ['a drop-in’s contents_local', serviceUnit('dropins: [{ name: a.conf, contents_local: a }]'), /"contents_local" can not be done here/],
  ['ssh_authorized_keys_local', fcos('passwd: { users: [{ name: a, ssh_authorized_keys_local: [a] }] }\n'), /"ssh_authorized_keys_local" can not be done here: .* \{\{ ssh_keys \| json \}\}/],
  ['two sources', file('contents: { inline: a, source: http://a }'), /^line 6 .* inline and source are the same content twice/],
  ['a configuration inside', fcos('ignition:\n  config:\n    merge:\n      - inline: "{\\n \\"ignition\\": {}}"\n'), /^line 6 .* line 1 of the configuration that stands here: an Ignition configuration says its version/],
  ['mount unit without format', filesystem('with_mount_unit: true'), /^line 6 .* a mount unit needs a format/],
  ['mount unit without path', filesystem('{ format: xfs }\n      with_mount_unit: true'.replace('{ format: xfs }', 'format: xfs')), /^line 7 .* a mount unit needs a path/],
  ['mount unit for swap, too early', filesystem('format: swap\n      with_mount_unit: true', '1.3.0'), /a unit for swap came with fcos 1.4.0/],
  ['mount point of the system', filesystem('format: xfs\n      path: /usr/x\n      with_mount_unit: true', '1.6.0'), /^line 7 .* \/usr\/x can not be mounted on Fedora CoreOS/],
  ['format that is none', filesystem('format: ntfs'), /^line 6 .* Ignition makes no "ntfs": there are ext4, btrfs, xfs, swap, vfat, none/],
  ['path without format', filesystem('path: /var/a'), /^line 6 .* path needs a format/],
  ['long label', filesystem('format: xfs\n      label: a-label-that-is-long'), /^line 7 .* has 20 bytes, xfs keeps 12/],
  ['filesystem over partitions', fcos('storage:\n  disks: [{ device: /dev/a, partitions: [{ label: a, number: 1 }] }]\n  filesystems:\n    - device: /dev/a\n      format: xfs\n'), /^line 6 .* \/dev\/a gets partitions, which the filesystem would overwrite/],
  ['filesystem on a wiped disk', fcos('storage:\n  disks: [{ device: /dev/a, wipe_table: true }]\n  filesystems:\n    - device: /dev/a\n      format: xfs\n'), /write wipe_filesystem: true/],
  ['one mirror', boot('layout: x86_64\n  mirror: { devices: [/dev/a] }'), /^line 5 .* a mirror needs two devices/],
  ['mirror without layout', boot('mirror: { devices: [/dev/a, /dev/b] }', '1.3.0'), /^line 4 .* a mirror needs the layout/],
  ['layout that is none', boot('layout: riscv64'), /^line 4 .* there is no layout "riscv64": there are x86_64, aarch64, ppc64le$/],
  ['s390x mirrored', boot('layout: s390x-virt\n  mirror: { devices: [/dev/a, /dev/b] }', '1.6.0'), /s390x-virt can not be mirrored/],
  ['s390x without disk', boot('layout: s390x-zfcp\n  luks: { tpm2: true }', '1.6.0'), /s390x-zfcp needs luks.device, a disk such as \/dev\/sda/],
  ['cex elsewhere', boot('layout: x86_64\n  luks: { cex: { enabled: true } }', '1.6.0'), /cex is of s390x/],
  ['cex and tpm2', boot('layout: s390x-virt\n  luks: { tpm2: true, cex: { enabled: true } }', '1.6.0'), /cex goes without tang and tpm2/],
  ['nothing opens it', boot('layout: s390x-eckd\n  luks: { device: /dev/dasda }', '1.7.0'), /nothing would open the volume/],
  ['grub without hash', fcos('grub:\n  users: [{ name: root }]\n'), /^line 4 .* a user of GRUB needs a password_hash/],
  ['root by another number', disk('partitions: [{ label: root, number: 1 }]'), /^line 6 .* "root" is partition 4 of Fedora CoreOS/],
  ['small root', disk('wipe_table: true\n      partitions: [{ label: root, number: 4, size_mib: 4096 }]'), /the root partition has 4096 MiB, Fedora CoreOS needs 8192/],
  ['root that can not grow', disk('wipe_table: true\n      partitions: [{ label: root, number: 4 }, { label: a, number: 5, size_mib: 5 }]'), /the root partition fills its disk and another follows/],
  ['a label alone', disk('partitions: [{ label: data }]', '1.6.0'), /does not find a partition by its label on \/dev\/sdb/],
  ['partition twice', disk('partitions:\n        - { label: a, number: 1 }\n        - { label: b, number: 1 }'), /^line 8 .* "number 1" is there twice in partitions/],
  ['label twice', disk('partitions:\n        - { label: a, number: 1 }\n        - { label: a, number: 2 }'), /^line 8 .* two partitions have the label "a"/],
  ['overlap', disk('partitions:\n        - { number: 1, start_mib: 1, size_mib: 100 }\n        - { number: 2, start_mib: 100, size_mib: 5 }'), /^line 8 .* overlaps the one that begins at 1 MiB: change start_mib or size_mib/],
  ['neither number nor label', disk('partitions: [{ size_mib: 5 }]'), /needs number or label/],
  ['gone and more', disk('partitions: [{ number: 1, should_exist: false, label: a }]'), /nothing but its number/],
  ['gone beside one without number', disk('wipe_table: true\n      partitions: [{ number: 1, should_exist: false }, { label: a }]'), /all have to say their number/],
  ['colon', disk('partitions: [{ number: 1, label: "a:b" }]'), /cut at its colon/],
  ['GUID', disk('partitions: [{ number: 1, type_guid: linux }]'), /"linux" is no GUID/],
  ['long partition label', disk(`partitions: [{ number: 1, label: ${'a'.repeat(37)} }]`), /GPT keeps 36/],
  ['file twice', fcos('storage:\n  files: [{ path: /a }]\n  links:\n    - path: /a\n      target: /b\n'), /"\/a" is there twice/],
  ['behind a link', fcos('storage:\n  links: [{ path: /a, target: /b }]\n  files:\n    - path: /a/c\n'), /^line 6 .* \/a\/c lies behind the link \/a/],
  ['link without target', fcos('storage:\n  links:\n    - path: /a\n'), /^line 5 .* the link has no target/],
  ['hard link to a directory', fcos('storage: { directories: [{ path: /d }], links: [{ path: /a, target: /d, hard: true }] }\n'), /\/d is a directory, which has no hard links/],
  ['hard link with an owner', fcos('storage: { links: [{ path: /a, target: /d, hard: true, user: { id: 1 } }] }\n'), /a hard link has the owner of its target/],
  ['no path', fcos('storage:\n  files:\n    - mode: 0644\n'), /^line 5 .* there is no path/],
  ['relative path', file('mode: 0644').replace('path: /a', 'path: a'), /^line 5 .* "a" is no absolute path/],
  ['path with dots', file('mode: 0644').replace('path: /a', 'path: /a/../b/'), /is not simplified: write "\/b"/],
  ['id and name', file('user: { id: 1, name: a }'), /an owner has an id or a name/],
  ['overwrite with nothing', file('overwrite: true'), /overwrite would leave nothing/],
  ['hash without source', file(`contents: { verification: { hash: sha512-${'0'.repeat(128)} } }`), /nothing to verify without source/],
  ['hash that is none', file('contents: { source: http://a/, verification: { hash: md5-1 } }'), /"md5-1" is no hash/],
  ['short hash', file('contents: { source: http://a/, verification: { hash: sha256-1 } }'), /a sha256 has 64 digits, this has 1/],
  ['compression', file('contents: { source: http://a/, compression: xz }'), /Ignition unpacks no "xz"/],
  ['scheme', file('contents: { source: ftp://a/ }'), /no scheme that Ignition fetches by: there are http, https, tftp, s3, data, gs, arn/],
  ['scheme that came later', file('contents: { source: "gs://a/b" }', '1.1.0'), /no scheme .* there are http, https, tftp, s3, data$/],
  ['data URL', file('contents: { source: "data:,a b" }'), /has to be written %XX|have to be written %XX/],
  ['base64', file('contents: { source: "data:;base64,a" }'), /is not base64/],
  ['headers of a data URL', file('contents: { source: "data:,a", http_headers: [{ name: a, value: b }] }'), /http_headers go with http and https alone/],
  ['unit without kind', serviceUnit('mask: true').replace('a.service', 'a'), /^line 5 .* "a" is no name of a unit/],
  ['drop-in', serviceUnit('dropins: [{ name: a }]'), /"a" is no name of a drop-in: end it in .conf/],
  ['unit: open section', serviceUnit('contents: "[Service"'), /a.service: line 1 of the unit begins a section that is not closed/],
  ['unit: after the section', serviceUnit('contents: "[Service] x"'), /says "x" after the name of the section/],
  ['unit: no setting', serviceUnit('contents: "[Service]\\nExecStart"'), /line 2 of the unit is no setting/],
  ['unit: long line', serviceUnit(`contents: "[Service]\\nExecStart=${'a'.repeat(2048)}"`), /a value of 2048 bytes or more/],
  ['enabled and nothing starts it', serviceUnit('enabled: true\n      contents: "[Service]\\nExecStart=/bin/true\\n"'), /^line 6 .* a.service is enabled and has no section \[Install\]/],
  ['instance of a template that nothing starts', fcos('systemd: { units: [{ name: a@.service, contents: "[Service]\\nExecStart=/b" }, { name: a@b.service, enabled: true }] }\n'), /a@b.service is enabled and a@.service has no section/],
  ['unit and file', fcos('systemd: { units: [{ name: a.service, contents: "[Service]\\n" }] }\nstorage: { files: [{ path: /etc/systemd/system/a.service }] }\n'), /^line 4 .* systemd.units writes \/etc\/systemd\/system\/a.service too/],
  ['argument wanted and not', fcos('kernel_arguments: { should_exist: [a], should_not_exist: [a] }\n'), /"a" is there twice in should_not_exist/],
  ['array without level', fcos('storage: { raid: [{ name: a, devices: [/dev/a] }] }\n'), /"" is no level of RAID/],
  ['stripe with spares', fcos('storage: { raid: [{ name: a, level: raid0, spares: 1, devices: [/dev/a] }] }\n'), /raid0 has no spares/],
  ['array of nothing', fcos('storage: { raid: [{ name: a, level: raid1 }] }\n'), /an array needs devices/],
  ['volume without device', luks('label: a'), /^line 4 .* there is no device|^line 5 .* there is no device/],
  ['volume with a slash', luks('device: /dev/a').replace('name: a', 'name: a/b'), /leave the slash out/],
  ['pin and tang', luks('device: /dev/a\n      clevis: { tpm2: true, custom: { pin: tang, config: "{}" } }'), /^line 7 .* custom goes without tang/],
  ['pin that is none', luks('device: /dev/a\n      clevis: { custom: { pin: mine, config: "{}" } }'), /no pin "mine"/],
  ['pin without config', luks('device: /dev/a\n      clevis: { custom: { pin: tang } }'), /custom needs a config/],
  ['Tang without thumbprint', luks('device: /dev/a\n      clevis: { tang: [{ url: http://a }] }'), /needs its thumbprint/],
  ['Tang’s address', luks('device: /dev/a\n      clevis: { tang: [{ url: a, thumbprint: b }] }'), /"a" is no address of a Tang server/],
  ['Tang’s advertisement', luks('device: /dev/a\n      clevis: { tang: [{ url: http://a, thumbprint: b, advertisement: "{" }] }'), /the advertisement is not JSON/],
  ['proxy', fcos('ignition: { proxy: { http_proxy: a } }\n'), /"a" is no proxy/],
  ['merge without source', fcos('ignition: { config: { merge: [{}] } }\n'), /there is no source/],
  ['user without name', fcos('passwd: { users: [{ uid: 5 }] }\n'), /an entry has no name/],
  ['aliases that grow', fcos(`storage:\n  files:\n    - { path: /a, contents: { inline: &a "${'a'.repeat(100_000)}" } }\n${Array.from({ length: 100 }, (_, index) => `    - { path: /${index}, contents: { inline: *a } }\n`).join('')}`), /aliases make more than 4194304 bytes/],
  ['too large once it is translated', file(`contents: { inline: ${Array.from({ length: 12_000 }, (_, index) => createHash('sha512').update(String(index)).digest('base64')).join('')} }`), /the Ignition that this Butane makes has \d+ bytes, at most 1048576 are served/],

  ['JSON: syntax', '{\n "ignition": {,\n}', /^line 2 .* not JSON/],
  ['JSON: no version', '{ "ignition": {} }', /says its version/],
  ['JSON: a number for a version', '{ "ignition": { "version": 3 } }', /says its version/],
  ['JSON: spec 2', '{\n"ignition": {\n"version": "2.3.0" } }', /^line 3 .* there is no spec version "2.3.0" here: there are 3.0.0 to 3.6.0/],
  ['JSON: unknown key', '{ "ignition": { "version": "3.4.0" },\n  "storage": { "file": [] } }', /^line 2 .* there is no "file" in storage of spec 3.4.0: did you mean "files"\?/],
  ['JSON: Butane’s spelling', '{ "ignition": { "version": "3.4.0" },\n\t"storage": { "disks": [{ "device": "/dev/a",\n\t"wipe_table": true }] } }', /^line 3 .* write "wipeTable"/],
  ['JSON: Butane’s sugar', '{ "ignition": { "version": "3.4.0" },\n  "storage": { "files": [{ "path": "/a", "contents": { "inline": "a" } }] } }', /^line 2 .* "inline" .* is Butane’s, and Ignition would ignore it/],
  ['JSON: came later', '{ "ignition": { "version": "3.1.0" },\n "kernelArguments": {} }', /^line 2 .* it came with spec 3.3.0/],
  ['JSON: an octal text', '{ "ignition": { "version": "3.4.0" },\n "storage": { "files": [{ "path": "/a", "mode": "0644" }] } }', /^line 2 .* is "0644", a whole number is wanted/],
  ['JSON: a number for a text', '{ "ignition": { "version": "3.4.0" }, "passwd": { "users": [{ "name": 5 }] } }', /passwd.users\[0\].name is "5", a text is wanted/],
  ['JSON: a value', '{ "ignition": { "version": "3.4.0" },\n "storage": {\n  "filesystems": [{\n   "device": "/dev/a", "format": "ntfs" }] } }', /^line 4 .* Ignition makes no "ntfs"/],
];

test('mistakes are told with line and remedy', async (t) => {
  for (const [why, text, message] of mistakes) await t.test(why, () => assert.match(refusal(text), message));
});

test('what Ignition only warns of is right in JSON, which no --strict was asked for', () => {
  const text = '{ "ignition": { "version": "3.3.0" }, "systemd": { "units": [{ "name": "a.service", "enabled": true, "contents": "[Service]\\nExecStart=/bin/true\\n" }] },\n\t"storage": { "files": [{ "path": "/a", "mode": 2541 }] } }';
  const made = ignitionFrom(text);
  assert.ok(made.ok);
  assert.equal(made.text, text, 'JSON is served as it was written');
});

test('merging: the child’s words win, lists go by key, options add up', () => {
  const places = newPlaces();
  const parent = { storage: { files: [{ path: '/a', mode: 1, append: [{ source: 'data:,1' }] }, { path: '/b' }], raid: [{ name: 'r', options: ['x'], devices: ['/dev/a'] }] }, kernelArguments: { shouldExist: ['q', 'p'] } };
  const child = { storage: { files: [{ path: '/a', mode: 2, append: [{ source: 'data:,1' }] }], links: [{ path: '/b', target: '/c' }], raid: [{ name: 'r', options: ['x'], devices: ['/dev/a', '/dev/b'] }] }, kernelArguments: { shouldNotExist: ['q'] } };
  assert.deepEqual(merge(parent, child, { shape: configShape, places }), {
    kernelArguments: { shouldExist: ['p'], shouldNotExist: ['q'] },
    storage: {
      raid: [{ name: 'r', options: ['x', 'x'], devices: ['/dev/a', '/dev/b'] }], files: [{ path: '/a', mode: 2, append: [{ source: 'data:,1' }, { source: 'data:,1' }] }], links: [{ path: '/b', target: '/c' }],
    },
  });
  assert.equal(parent.storage.files[0]?.mode, 1);
});

test('paths become names of units as systemd-escape(1) of systemd 252 writes them', () => {
  const named = ['/', '/a/', '/var/lib/my data-1', '/.a//b/', '/var/.x', '/é\\b', '/a:b_c.d'].map(escapePath);
  assert.deepEqual(named, ['-', 'a', 'var-lib-my\\x20data\\x2d1', '\\x2ea-b', 'var-.x', '\\xc3\\xa9\\x5cb', 'a:b_c.d']);
});

test('no text makes it throw', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  for (const { butane } of butaneExamples) for (let end = 0; end < butane.length; end += 3) ignitionFrom(butane.slice(0, end));
  const words = fc.constantFrom('variant: fcos\nversion: 1.6.0\n', 'storage:', '  files:', '    - path: ', '&a ', '*a', '{', '}', '[', ']', ': ', '\n', '  ', '- ', '"', '|', '>', 'null', '0644', '!!str ', '<<', 'boot_device:', 'ä', '\t', '{"ignition":{"version":"3.3.0"}', ',', '"storage":');
  fc.assert(fc.property(fc.array(words, { maxLength: 30 }), (parts) => { ignitionFrom(parts.join('')); }), { seed, numRuns: 1500 });
});

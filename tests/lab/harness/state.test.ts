import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { candidateVersions, debianSources } from '../images/apt-sources.ts';
import { grubConfig, partitionTable, patchedBootSector, patchedCore } from '../images/disk-image.ts';
import { defineLab } from './lab.ts';
import { missingPackages } from '../../../scripts/apt.ts';
import { dnsmasqConf, nginxConf } from './rival-config.ts';
import { seedFiles } from './seed.ts';
import { parseCheckIns } from './sink.ts';
import { dropOwnership, isAlive, otherOwner, parseRecord, readRecords, recordProcess, startTicksOf, takeOwnership } from './state.ts';

const dir = mkdtempSync(join(tmpdir(), 'ironbus-state-test-'));
after(() => rmSync(dir, { recursive: true }));
const lab = defineLab({ stateRoot: dir });

test('the start time is read behind a name with blanks and brackets', () => {
  const fields = ['S', ...Array.from({ length: 18 }, (_, index) => String(index)), '424242', 'rest'];
  assert.equal(startTicksOf(`12 (a (b) c) ${fields.join(' ')}`), '424242');
});

test('this process is alive by its record; the same pid with another start time is not', () => {
  recordProcess(lab, 'me', process.pid);
  const [record] = readRecords(lab.dir);
  assert.ok(record !== undefined && isAlive(record));
  assert.ok(!isAlive({ ...record, startTicks: '1' }));
  assert.ok(!isAlive({ ...record, bootId: '00000000-0000-0000-0000-000000000000' }));
});

test('a lab has one owner: another living process is named, this one and a dead one are not', () => {
  takeOwnership(lab);
  assert.equal(otherOwner(lab), undefined);
  recordProcess(lab, 'parent', process.ppid);
  copyFileSync(join(lab.dir, 'pids', 'parent.pid'), join(lab.dir, 'owner'));
  assert.equal(otherOwner(lab), process.ppid);
  writeFileSync(join(lab.dir, 'owner'), `${process.ppid} 1 00000000-0000-0000-0000-000000000000\n`);
  assert.equal(otherOwner(lab), undefined);
  dropOwnership(lab);
  rmSync(join(lab.dir, 'pids', 'parent.pid'));
});

test('a torn record is no record', () => {
  assert.equal(parseRecord('123'), undefined);
  assert.equal(parseRecord(''), undefined);
  writeFileSync(join(lab.dir, 'pids', 'torn.pid'), '12 ');
  assert.equal(readRecords(lab.dir).length, 1);
});

test('a package half installed is missing', () => {
  const output = 'qemu-utils install ok installed\novmf deinstall ok config-files\n';
  assert.deepEqual(missingPackages(['qemu-utils', 'ovmf', 'socat'], output), ['ovmf', 'socat']);
});

test('Debian mirrors come from either format of apt sources', () => {
  const deb822 = '# note\nTypes: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\nTypes: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n';
  const both = ['deb http://mirror.example/debian bookworm main', 'deb http://mirror.example/security bookworm-security main'];
  assert.deepEqual(debianSources([deb822], 'bookworm'), both);
  assert.deepEqual(debianSources(['deb [arch=amd64] http://mirror.example/debian trixie main\n'], 'bookworm'), both.slice(0, 1));
  assert.equal(debianSources(['deb http://mirror.example/ubuntu noble main\n'], 'bookworm'), undefined);
});

test('candidate versions of apt-cache policy', () => {
  assert.deepEqual(candidateVersions('jq:\n  Installed: 1\n  Candidate: 1.6-2\nzstd:\n  Candidate: (none)\n'), ['jq=1.6-2', 'zstd=(none)']);
});

test('GRUB boot code points at its core, the core at its rest', () => {
  const boot = patchedBootSector(Buffer.alloc(512, 0xff), 2048);
  assert.equal(boot.length, 440);
  assert.equal(boot.readBigUInt64LE(0x5c), 2048n);
  const core = patchedCore(Buffer.alloc(512 * 3 + 1), 2048);
  assert.deepEqual([core.readBigUInt64LE(0x1f4), core.readUInt16LE(0x1fc)], [2049n, 3]);
});

test('partitions lie one behind the other', () => {
  assert.match(partitionTable(10), /start=65536, size=20480, .*name="root"/);
  assert.match(grubConfig('6.1'), /linux \/boot\/vmlinuz-6\.1 root=LABEL=root/);
});

test('a seed is cloud-config with JSON inside', () => {
  const files = seedFiles({ metaData: { 'instance-id': 'i' }, userData: { runcmd: ['true'] } });
  assert.deepEqual(Object.keys(files), ['meta-data', 'user-data', 'vendor-data']);
  assert.deepEqual(JSON.parse((files['user-data'] ?? '').replace('#cloud-config\n', '')), { runcmd: ['true'] });
});

test('a check-in still being written is left out', () => {
  const whole = JSON.stringify({ atMs: 1, from: 'x', method: 'POST', path: '/a', body: '' });
  assert.equal(parseCheckIns(`listening\n${whole}\n{"atMs":2`).length, 1);
});

test('the rival has the three tunings', () => {
  const conf = dnsmasqConf(lab, { files: '/f', state: '/s' }, { loaders: { bios: 'undionly.kpxe', uefi: 'ipxe.efi' }, script: 'boot.ipxe' });
  for (const tuning of ['no-ping', 'dhcp-option=encap:175,176,1b', 'enable-ra']) assert.ok(conf.split('\n').includes(tuning), tuning);
  assert.match(nginxConf(lab, { files: '/f', state: '/s' }), /listen 10\.77\.0\.1:80; root \/f;/);
});

/** The servers that the settings are for read them: dnsmasq, dhcpd and kea-dhcp4 in their modes that check a file and end. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Ipv4 } from '@ironbus/contracts';
import { unpackedProgram } from '@ironbus/testkit';
import { foreignSettings, type ForeignServerName } from './foreign-settings.ts';

const run = promisify(execFile);
const path = `/usr/sbin:/sbin:${process.env['PATH'] ?? ''}`; // where Debian keeps dnsmasq
const place = { id: 'lan1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1' as Ipv4, baseUrl: 'https://boot.example.org:5248' };
const dhcpd = unpackedProgram('isc-dhcp-server', 'usr/sbin/dhcpd');
const kea = unpackedProgram('kea-dhcp4-server', 'usr/sbin/kea-dhcp4');
let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ironbus-foreign-'));
  await writeFile(join(dir, 'leases'), '');
});
after(() => rm(dir, { recursive: true }));

/** EdgeOS makes these statements of its commands: globals on top, the others inside the subnet, quotes unescaped. */
function edgeosAsDhcpd(commands: string): string {
  const values = (kind: string): string => [...commands.matchAll(new RegExp(`${kind} '(.*)'$`, 'gm'))].map(([, value = '']) =>
    value.replaceAll('&quot;', '"')).join('\n');
  return `${values('global-parameters')}\nsubnet 10.77.0.0 netmask 255.255.255.0 {\n${values('subnet-parameters')}\n}\n`;
}

type Row = { name: ForeignServerName; program: string; file: (settings: string) => string; args: (file: string) =>
  string[]; breaks: [from: string, to: string] };
const rows: readonly Row[] = [
  { name: 'dnsmasq', program: 'dnsmasq', file: (text) => text, args: (file) => ['--test', '-C', file], breaks: ['option:client-arch', 'option:client-ark'] },
  { name: 'opnsense', program: 'dnsmasq', file: (text) => text, args: (file) => ['--test', '-C', file], breaks: ['dhcp-boot=', 'dhcp-bot='] },
  { name: 'isc', program: dhcpd, file: (text) => text, args: (file) => ['-t', '-cf', file, '-lf', join(dir, 'leases')], breaks: ['match if', 'match iff'] },
  { name: 'edgeos', program: dhcpd, file: edgeosAsDhcpd, args: (file) => ['-t', '-cf', file, '-lf', join(dir, 'leases')], breaks: ['elsif', 'elif'] },
  { name: 'kea', program: kea, file: (text) => text, args: (file) => ['-t', file], breaks: ['not (', 'nought ('] },
  { name: 'pfsense', program: kea, file: (text) => `{ "Dhcp4": ${text} }`, args: (file) => ['-t', file],
    breaks: ['"always-send"', '"sometimes-send"'] },
];
for (const { name, program, file, args, breaks } of rows) {
  test(`${basename(program)} reads the settings for ${name}, and would tell if they were wrong`, async () => {
    const { settings } = foreignSettings(name, place);
    const target = join(dir, `${name}.conf`);
    const check = async (text: string): Promise<void> => {
      await writeFile(target, file(text));
      await run(program, args(target), { env: { ...process.env, PATH: path, KEA_PIDFILE_DIR: dir, KEA_LOCKFILE_DIR: 'none' } });
    };
    await check(settings);
    assert.ok(settings.includes(breaks[0]));
    await assert.rejects(check(settings.replaceAll(...breaks)), { code: 1 });
  });
}

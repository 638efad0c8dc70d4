/** Other DHCP servers with our settings, in namespaces of their own: each client gets the loader that is for it. Needs root. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Ipv4 } from '@ironbus/contracts';
import { unpackedProgram } from '@ironbus/testkit';
import { foreignSettings, type ForeignServerName } from './core/foreign-settings/foreign-settings.ts';
import type { Answered, Asking } from './testing/ask-foreign-server.ts';

const place = { id: 'lan1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1' as Ipv4, baseUrl: 'http://10.77.0.1:5248' };
const [server, client] = [`ibfs${process.pid}`, `ibfc${process.pid}`];
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
let dir: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ironbus-foreign-'));
  for (const name of [server, client]) ip('netns', 'add', name);
  ip('link', 'add', 'fs0', 'netns', server, 'type', 'veth', 'peer', 'name', 'fc0', 'netns', client);
  for (const [name, device, address] of [[server, 'fs0', '10.77.0.1/24'], [client, 'fc0', '10.77.0.2/24']] as const) {
    ip('-n', name, 'addr', 'add', address, 'dev', device);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'set', device, 'up');
  }
});
after(async () => {
  for (const name of [server, client]) ip('netns', 'del', name);
  await rm(dir, { recursive: true });
});

const pxe = (name: string, architecture: number, more: Partial<Asking> = {}): Asking =>
  ({ name, vendorClass: `PXEClient:Arch:${String(architecture).padStart(5, '0')}:UNDI:003016`, architecture, ...more });
const http = (name: string, architecture: number): Asking =>
  ({ name, vendorClass: `HTTPClient:Arch:${String(architecture).padStart(5, '0')}:UNDI:003001`, architecture });
const script = `http://10.77.0.1:5248/boot/\${netX/mac:hexhyp}/script.ipxe`;
const clients: readonly [asking: Asking, file: string, httpClient?: boolean][] = [
  [pxe('BIOS', 0), 'undionly.kpxe'], [pxe('UEFI x64', 7), 'snponly.efi'], [pxe('UEFI x64 that says 9', 9), 'snponly.efi'],
    [pxe('UEFI arm64', 11), 'ipxe-arm64.efi'],
  [http('HTTP boot x64', 16), 'http://10.77.0.1:5248/loaders/snponly.efi', true],
    [http('HTTP boot arm64', 19), 'http://10.77.0.1:5248/loaders/ipxe-arm64.efi', true],
  [pxe('iPXE on BIOS', 0, { userClass: 'iPXE' }), script], [pxe('iPXE on UEFI', 7, { userClass: 'iPXE' }), script],
  [pxe('UEFI 32 bit', 6), ''], [{ name: 'an operating system' }, ''],
];

const range = '10.77.0.100 10.77.0.150';
const dhcpd = (file: string): string[] => [unpackedProgram('isc-dhcp-server', 'usr/sbin/dhcpd'), '-f', '-cf', file, '-lf', join(dir, 'leases'), '-pf', join(dir, 'pid'), 'fs0'];
/** EdgeOS makes these statements of its commands: globals on top, the others inside the subnet, quotes unescaped. */
const values = (commands: string, kind: string): string => [...commands.matchAll(new RegExp(`${kind} '(.*)'$`, 'gm'))].map(([, value = '']) =>
  value.replaceAll('&quot;', '"')).join('\n');
const keaAround = (classes: object): string => JSON.stringify({ Dhcp4: {
  ...classes, 'interfaces-config': { interfaces: ['fs0'], 'dhcp-socket-type': 'udp' }, 'lease-database': { type: 'memfile', persist: false },
  subnet4: [{ subnet: place.cidr, pools: [{ pool: '10.77.0.100-10.77.0.150' }] }],
} });

const kea = (file: string): string[] => [unpackedProgram('kea-dhcp4-server', 'usr/sbin/kea-dhcp4'), '-c', file];

type Row = { name: ForeignServerName; config: (settings: string) => string; argv: (file: string) => string[] };
const rows: readonly Row[] = [
  { name: 'dnsmasq', config: (text) => `${text}port=0\ndhcp-range=${range.replace(' ', ',')}\ninterface=fs0\nno-ping\nuser=root\n`, argv: (file) =>
    ['dnsmasq', '-k', '-C', file, `--dhcp-leasefile=${join(dir, 'dnsmasq.leases')}`] },
  { name: 'isc', config: (text) => `${text}ping-check off;\nsubnet 10.77.0.0 netmask 255.255.255.0 { range ${range}; }\n`, argv: dhcpd },
  { name: 'edgeos', config: (text) => `${values(text, 'global-parameters')}\nping-check off;\nsubnet 10.77.0.0 netmask 255.255.255.0 {\nrange ${range};\n${values(text, 'subnet-parameters')}\n}\n`, argv: dhcpd },
  { name: 'kea', config: (text) => keaAround((JSON.parse(text) as { Dhcp4: object }).Dhcp4), argv: kea },
  { name: 'pfsense', config: (text) => keaAround(JSON.parse(text) as object), argv: kea },
];
for (const { name, config, argv } of rows) {
  test(`${name}: every client gets its loader, iPXE its script, and nobody else anything`, async () => {
    const file = join(dir, `${name}.conf`);
    await writeFile(file, config(foreignSettings(name, place).settings));
    await writeFile(join(dir, 'leases'), '');
    const env = { ...process.env, PATH: `/usr/sbin:/sbin:${process.env['PATH'] ?? ''}`, KEA_PIDFILE_DIR: dir, KEA_LOCKFILE_DIR: 'none' };
    const running = spawn('ip', ['netns', 'exec', server, ...argv(file)], { env, stdio: 'ignore' });
    try {
      const questions = clients.map(([asking]) => JSON.stringify(asking));
      const asker = join(import.meta.dirname, 'testing/ask-foreign-server.ts');
      const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', client, process.execPath, asker, '10.77.0.2', '10.77.0.1', ...questions],
        { timeout: 30_000 });
      const answers = JSON.parse(stdout) as Answered[];
      assert.deepEqual(answers.map((answer) => [answer.name, answer.file]), clients.map(([asking, expected]) => [asking.name, expected]));
      for (const [index, [asking, expected, httpClient = false]] of clients.entries()) {
        const answer = answers[index];
        if (expected !== '' && !expected.includes('://')) assert.equal(answer?.nextServer, '10.77.0.1', asking.name);
        assert.equal(answer?.vendorClass, httpClient ? 'HTTPClient' : '', `${asking.name}: option 60`);
        assert.match(answer?.ipxe ?? '', asking.userClass === 'iPXE' ? /^b00101/ : /^$/, `${asking.name}: option 175`);
      }
    } finally {
      running.kill();
      await once(running, 'close');
    }
  });
}

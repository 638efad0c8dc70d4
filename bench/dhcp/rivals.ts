/** The other DHCP servers, each with the configuration that its own documentation recommends for this load; all keep leases in a file. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, unpackPackage, type Say } from '../../tests/lab/harness/packages.ts';
import { mustRun, run } from '../../tests/lab/harness/run.ts';
import { addresses, untilReady, type Place, type Started } from './place.ts';
import type { Running, Server } from './server.ts';

const leaseSeconds = 3_600;

/** Kea's DHCPv4 server with memfile: with the threads that its version has by default (one before 2.3.5, then one for each processor), and the other way. */
export async function keas(cacheDir: string, say: Say): Promise<readonly Server[]> {
  ensurePackages(['kea-common', 'kea-admin'], say);
  const program = existsSync('/usr/sbin/kea-dhcp4') ? '/usr/sbin/kea-dhcp4' : join(await unpackPackage('kea-dhcp4-server', cacheDir, say), 'usr/sbin/kea-dhcp4');
  const version = (await mustRun([program, '-v'])).trim();
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const isMulti = major > 2 || (major === 2 && (minor > 3 || (minor === 3 && patch >= 5)));
  return [kea({ program, version, threads: undefined }), kea({ program, version, threads: isMulti ? 0 : availableParallelism() })];
}

function kea({ program, version, threads }: { program: string; version: string; threads: number | undefined }): Server {
  const name = threads === undefined ? 'kea' : `kea, ${threads === 0 ? 'one thread' : `${threads} threads`}`;
  return {
    name,
    flags: `kea-dhcp4 ${version}: memfile, persist; dhcp-socket-type udp; ${threads === undefined ? 'multi-threading as by default' : `enable-multi-threading ${threads > 0}, thread-pool-size ${threads}`}; log severity WARN`,
    async start(place) {
      const dir = place.folder('kea');
      const leases = join(dir, 'leases.csv');
      for (const file of [leases, `${leases}.1`, `${leases}.2`]) rmSync(file, { force: true });
      const config = join(dir, 'kea-dhcp4.conf');
      writeFileSync(config, JSON.stringify(keaConfig(place.device, leases, threads), null, 2));
      const started = await place.start('server', [program, '-c', config], { name: 'kea', env: { KEA_PIDFILE_DIR: dir, KEA_LOCKFILE_DIR: dir } });
      await untilReady('kea-dhcp4', started, () => listens(place));
      return running(started, 'kea-dhcp4');
    },
  };
}

function keaConfig(device: string, leases: string, threads: number | undefined): object {
  const pool = `${addresses.firstLease} - ${addresses.lastLease}`;
  return {
    Dhcp4: {
      'interfaces-config': { interfaces: [device], 'dhcp-socket-type': 'udp' },
      'lease-database': { type: 'memfile', persist: true, name: leases },
      'valid-lifetime': leaseSeconds, authoritative: true,
      ...(threads !== undefined && { 'multi-threading': { 'enable-multi-threading': threads > 0, ...(threads > 0 && { 'thread-pool-size': threads }) } }),
      subnet4: [{ id: 1, subnet: addresses.clients, pools: [{ pool }], 'option-data': [{ name: 'routers', data: addresses.relay }] }],
      loggers: [{ name: 'kea-dhcp4', severity: 'WARN', output_options: [{ output: 'stdout' }] }],
    },
  };
}

/** ISC's dhcpd, which is at its end of life but still widely run. */
export async function iscDhcpd(cacheDir: string, say: Say): Promise<Server> {
  const program = existsSync('/usr/sbin/dhcpd') ? '/usr/sbin/dhcpd' : join(await unpackPackage('isc-dhcp-server', cacheDir, say), 'usr/sbin/dhcpd');
  return {
    name: 'isc-dhcpd', flags: 'dhcpd -4 -f -q: ping-check false, authoritative, one pool; lease file synced as by default',
    async start(place) {
      const dir = place.folder('isc');
      const [config, leases] = [join(dir, 'dhcpd.conf'), join(dir, 'dhcpd.leases')];
      writeFileSync(leases, '');
      writeFileSync(config, [
        'authoritative;', 'ping-check false;', `default-lease-time ${leaseSeconds};`, `max-lease-time ${leaseSeconds};`, `subnet 192.0.2.0 netmask 255.255.255.0 {}`,
        `subnet 10.64.0.0 netmask ${addresses.clientsMask} { range ${addresses.firstLease} ${addresses.lastLease}; option routers ${addresses.relay}; }`, '',
      ].join('\n'));
      const started = await place.start('server', [program, '-4', '-f', '-q', '-cf', config, '-lf', leases, '-pf', join(dir, 'dhcpd.pid'), place.device], { name: 'isc-dhcpd' });
      await untilReady('dhcpd', started, () => listens(place));
      return running(started, 'dhcpd');
    },
  };
}

export function dnsmasq(say: Say): Server {
  ensurePackages(['dnsmasq-base'], say);
  return {
    name: 'dnsmasq', flags: 'dnsmasq --no-ping --dhcp-authoritative --dhcp-lease-max=200000 --port=0, one relayed range, lease file as by default',
    async start(place) {
      const dir = place.folder('dnsmasq');
      const leases = join(dir, 'leases');
      rmSync(leases, { force: true });
      const started = await place.start('server', [
        'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--no-ping', '--dhcp-authoritative', '--dhcp-lease-max=200000', '--quiet-dhcp',
        `--interface=${place.device}`, '--bind-dynamic', `--dhcp-leasefile=${leases}`, '--user=root', `--pid-file=${join(dir, 'pid')}`,
        `--dhcp-range=${addresses.firstLease},${addresses.lastLease},${addresses.clientsMask},${leaseSeconds}`, `--dhcp-option=option:router,${addresses.relay}`,
      ], { name: 'dnsmasq' });
      await untilReady('dnsmasq', started, () => listens(place));
      return running(started, 'dnsmasq');
    },
  };
}

const running = (started: Started, name: string): Running => ({ processes: { [name]: started.pid }, finish: async () => ({}), stop: () => started.stop() });

/** Whether anything holds UDP port 67 in the server's namespace. */
async function listens(place: Place): Promise<boolean> {
  return (await run(['ip', 'netns', 'exec', place.server, 'ss', '-Hlun', 'sport', '=', ':67'])).stdout.trim() !== '';
}

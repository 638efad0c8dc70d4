/** Run by relayed.int.test.ts inside the server's namespace: isc-dhcp-relay between two networks, and clients of three makes. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import { unpackedProgram } from '@ironbus/testkit';
import { run } from './namespaces.ts';
import { startIn, type Program } from './programs.ts';
import { sampleNetwork } from './samples.ts';
import { startRack, type Rack } from './service-in-namespace.ts';

const client = process.env['DHCP_TEST_CLIENT_NS'] ?? '';
const router = process.env['DHCP_TEST_ROUTER_NS'] ?? '';
const scriptPath = join(import.meta.dirname, 'client-script.sh');
const far = { device: 'ibr-c0', mac: '52:54:00:78:00:01' as Mac, address: /^10\.78\.0\.1\d\d$/ };
const near = { device: 'ibr-c1', mac: '52:54:00:79:00:01' as Mac, address: /^10\.79\.0\.1\d\d$/ };
let rack: Rack;
let relay: Program;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ibr-'));
  chmodSync(folder, 0o755);
  rack = await startRack();
  relay = startIn(router, unpackedProgram('isc-dhcp-relay', 'usr/sbin/dhcrelay'), '-4', '-d', '--no-pid', '-a', '-iu', 'ibr-r0', '-id', 'ibr-r1', '10.77.0.1');
  const range = (net: string): object[] => [{ from: `${net}.100`, to: `${net}.199` }];
  await rack.putNetwork(sampleNetwork({ id: 'far', interface: 'ibr-s0', relayed: true, cidr: '10.78.0.0/24', dynamicRanges: range('10.78.0'), gateway: '10.78.0.1', leaseSeconds: 60, probeAddresses: false }));
  await rack.putNetwork(sampleNetwork({ id: 'near', interface: 'ibr-s1', cidr: '10.79.0.0/24', serverAddress: '10.79.0.1', dynamicRanges: range('10.79.0'), gateway: null, leaseSeconds: 60 }));
});
after(async () => {
  await relay.stop();
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Place = typeof far;
const clear = (): void => { for (const { device } of [far, near]) run(`ip -4 -n ${client} addr flush dev ${device}`); };

/** Takes SIGUSR1 for the word to renew. */
const renewer = 'busybox udhcpc';
const makes: Record<string, (place: Place) => Program> = {
  [renewer]: ({ device }) => startIn(client, 'busybox', 'udhcpc', '-f', '-R', '-i', device, '-s', scriptPath, '-t', '5', '-T', '1'),
  'isc-dhclient': ({ device }) => {
    writeFileSync(join(folder, 'conf'), 'request subnet-mask, routers, domain-name-servers, domain-name;\n');
    return startIn(client, 'dhclient', '-4', '-d', '-sf', scriptPath, '-cf', join(folder, 'conf'), '-lf', join(folder, `${device}.leases`), '-pf', join(folder, 'pid'), device);
  },
  dhcpcd: ({ device }) => {
    writeFileSync(join(folder, 'dhcpcd.conf'), 'ipv4only\nnoarp\nnodev\nnohook resolv.conf\n');
    return startIn(client, unpackedProgram('dhcpcd-base', 'usr/sbin/dhcpcd'), '-B', '-4', '-d', '-f', join(folder, 'dhcpcd.conf'), '-c', scriptPath, device);
  },
};

for (const [make, start] of Object.entries(makes)) {
  for (const [where, place] of [['behind the relay', far], ['beside the server', near]] as const) {
    test(`${make} ${where} gets its address${make === renewer ? ', and renews it when told' : ''}`, async () => {
      clear();
      const since = rack.events.length;
      const program = start(place);
      try {
        const bound = await program.until(/LEASE (?:bound|BOUND|REBOOT) address=(\S+)/);
        assert.match(bound[1] ?? '', place.address);
        const told = await Promise.race([rack.heard('lease.granted', place.mac, since), rack.heard('lease.renewed', place.mac, since)]);
        assert.deepEqual([told['address'], told['network'], told['client']], [bound[1], place === far ? 'far' : 'near', 'plain']);
        const before = rack.events.length;
        if (make === renewer) {
          program.signal('SIGUSR1');
          await program.until(/LEASE renew/);
          assert.equal((await rack.heard('lease.renewed', place.mac, before))['address'], bound[1]);
        }
      } finally {
        program.signal('SIGKILL');
        await program.ended();
      }
    });
  }
}

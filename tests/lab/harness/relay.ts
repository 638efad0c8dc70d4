/** The far segment's router as a real site has it: a DHCP relay (ISC dhcrelay) and router advertisements (dnsmasq), both in rtr. */
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { benchPackages, ensurePackages, type Say, unpackPackage } from './packages.ts';
import { startDaemon } from './run.ts';

export type Relay = { stop: () => Promise<void> };

/**
 * Relays DHCP of the far segment to `server` (prov's pxe address unless said). Without router advertisements iPXE waits
 * 16 s on a segment, so they are sent here too. Throws when the lab has no router.
 */
export async function startRelay(lab: Lab, options: { server?: string; cacheDir: string; say: Say }): Promise<Relay> {
  if (!lab.router) throw new Error('this lab was defined without a router');
  await ensurePackages(benchPackages, options.say);
  const unpacked = await unpackPackage('isc-dhcp-relay', join(options.cacheDir, 'unpacked'), options.say);
  const server = options.server ?? lab.addresses.prov;
  const relay = await startDaemon(lab, {
    name: 'relay', where: 'rtr', argv: [join(unpacked, 'usr/sbin/dhcrelay'), '-4', '-d', '--no-pid', '-iu', 'r0', '-id', 'r1', server],
  });
  const radvd = await startDaemon(lab, {
    name: 'far-ra', where: 'rtr',
    argv: ['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=r1', '--bind-interfaces', '--user=root',
      '--log-facility=-', '--enable-ra', '--dhcp-range=::,constructor:r1,ra-only', `--dhcp-leasefile=${join(lab.dir, 'far-ra.leases')}`],
  });
  return { stop: async () => void (await Promise.all([relay.stop(), radvd.stop()])) };
}

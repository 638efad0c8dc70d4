/** Somebody else's DHCP server on the machines' segment, as a home router or a company has it: addresses, and nothing to boot unless `more` says so. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { exec } from './network.ts';
import { benchPackages, ensurePackages, type Say } from './packages.ts';
import { startDaemon, waitUntil } from './run.ts';

export type ForeignDhcp = { from: string; to: string; stop: () => Promise<void> };

/** dnsmasq in rtr, on the pxe segment, `more` being its options; returns when it listens. Throws when the lab has no router. */
export async function startForeignDhcp(lab: Lab, say: Say, more: readonly string[] = []): Promise<ForeignDhcp> {
  if (!lab.router) throw new Error('this lab was defined without a router');
  await ensurePackages(benchPackages, say);
  const [from, to] = [`${lab.base}.0.210`, `${lab.base}.0.229`];
  const daemon = await startDaemon(lab, {
    name: 'foreign-dhcp', where: 'rtr',
    argv: ['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=r0', '--bind-interfaces', '--user=root', '--log-facility=-', '--log-dhcp',
      '--dhcp-authoritative', '--no-ping', `--dhcp-range=${from},${to},255.255.255.0,1h`, `--dhcp-option=option:router,${lab.addresses.prov}`,
      `--dhcp-leasefile=${join(lab.dir, 'foreign-dhcp.leases')}`, ...more],
  });
  const listens = async (): Promise<boolean> => /:67\s/.test((await exec(lab, 'rtr', ['ss', '-Hlnu'])).stdout);
  await waitUntil('dnsmasq in rtr', listens, { timeoutMs: 5000 })
    .catch((error: Error) => { throw new Error(`${error.message}: ${readFileSync(daemon.logPath, 'utf8').slice(-500)}`); });
  return { from, to, stop: daemon.stop };
}

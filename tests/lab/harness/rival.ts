/**
 * The stack that bench/boot-time compares with: dnsmasq for DHCP, TFTP and router advertisements, nginx for files.
 * Both run in prov on the very addresses that our stack has, so the same machine boots from either.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { benchPackages, ensurePackages, type Say, unpackPackage } from './packages.ts';
import { dnsmasqConf, nginxConf, type RivalBoot } from './rival-config.ts';
import { exec } from './network.ts';
import { mustRun, startDaemon, waitUntil } from './run.ts';

export type Rival = {
  /** Name and version of each part, for the bench's result file. */
  versions: string[];
  stop: () => Promise<void>;
};

/** Starts the rival over a directory that holds loader, script, kernel and initrd; returns when both listen. */
export async function startRival(
  lab: Lab,
  options: { files: string; boot: RivalBoot; cacheDir: string; say: Say },
): Promise<Rival> {
  await ensurePackages(benchPackages, options.say);
  const unpacked = await unpackPackage('nginx', join(options.cacheDir, 'unpacked'), options.say);
  const nginx = join(unpacked, 'usr/sbin/nginx');
  const state = join(lab.dir, 'rival');
  const dirs = { files: options.files, state };
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, 'dnsmasq.conf'), dnsmasqConf(lab, dirs, options.boot));
  writeFileSync(join(state, 'nginx.conf'), nginxConf(lab, dirs));
  const dnsmasq = await startDaemon(lab, {
    name: 'rival-dnsmasq', where: 'prov', argv: ['dnsmasq', '--keep-in-foreground', '--log-facility=-', '-C', join(state, 'dnsmasq.conf')],
  });
  const web = await startDaemon(lab, {
    name: 'rival-nginx', where: 'prov', argv: [nginx, '-p', state, '-e', 'stderr', '-c', join(state, 'nginx.conf')],
  });
  await waitUntil('dnsmasq and nginx in prov', () => listening(lab), { timeoutMs: 5000 }).catch((error: Error) => {
    throw new Error(`${error.message}: ${[dnsmasq, web].map((daemon) => readFileSync(daemon.logPath, 'utf8').slice(-300)).join(' | ')}`);
  });
  const versions = [(await mustRun(['dnsmasq', '--version'])).split('  ')[0] ?? '', (await exec(lab, 'host', [nginx, '-v'])).stderr.trim()];
  return { versions, stop: async () => void (await Promise.all([dnsmasq.stop(), web.stop()])) };
}

/** DHCP (UDP 67), TFTP (UDP 69) and HTTP (TCP 80). */
async function listening(lab: Lab): Promise<boolean> {
  const sockets = (await exec(lab, 'prov', ['ss', '-Hlntu'])).stdout;
  return [/^udp.*:67\s/m, /^udp.*:69\s/m, /^tcp.*:80\s/m].every((socket) => socket.test(sockets));
}

/** The Debian packages the lab needs on the machine it runs on. Packages whose daemons must not start are unpacked, never installed. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePackages, type Say } from '../../../scripts/apt.ts';
import { mustRun } from './run.ts';

export { ensurePackages, type Say };

/** For machines, BMCs and the network. */
export const labPackages = [
  'qemu-system-x86', 'qemu-system-arm', 'qemu-utils', 'ovmf', 'ovmf-ia32', 'qemu-efi-aarch64', 'ipxe-qemu', 'openipmi', 'ipmitool', 'iproute2', 'ethtool', 'socat',
  'util-linux', 'tcpdump', 'openssh-client',
] as const;

/** For building the two operating system images. */
export const imagePackages = [
  'mmdebstrap', 'mtools', 'dosfstools', 'fdisk', 'e2fsprogs', 'zstd', 'cpio', 'kmod',
] as const;

/** Clients and tools of the integration tests: programs that we did not write. */
export const clientPackages = [
  'isc-dhcp-client', 'udhcpc', 'busybox-static', 'atftp', 'tftp-hpa', 'curl', 'iputils-ping',
  'wget', 'apache2-utils', 'genisoimage', 'xorriso', 'udftools', 'libarchive-tools', 'p7zip-full', 'grub-common', 'kea-common', 'dnsmasq-base',
] as const;

/** Servers, relays and clients whose daemons must not become services of the host, and Ignition, which hooks itself into initrds: unpacked under `<cache>/unpacked`. */
export const unpackedPackages = ['isc-dhcp-server', 'isc-dhcp-relay', 'kea-dhcp4-server', 'dhcpcd-base', 'ignition'] as const;

/** For the rival stack of bench/boot-time. */
export const benchPackages = ['dnsmasq-base'] as const;

/**
 * Downloads packages with apt and unpacks them under `<cacheDir>/<name>`, running none of their scripts: a relay or a
 * web server of the lab must not become a service of the host. Dependencies are the caller's business.
 */
export async function unpackPackage(name: string, cacheDir: string, say: Say): Promise<string> {
  const target = join(cacheDir, name);
  if (existsSync(target)) return target;
  say(`unpacking ${name}`);
  const work = `${target}.partial`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'root'), { recursive: true });
  const download = (): Promise<string> => mustRun(['apt-get', '-o', 'APT::Sandbox::User=root', 'download', name], { cwd: work, timeoutMs: 300_000 });
  await download().catch(async () => {
    await mustRun(['apt-get', 'update', '-q'], { timeoutMs: 300_000 });
    await download();
  });
  const deb = readdirSync(work).find((file) => file.endsWith('.deb'));
  if (deb === undefined) throw new Error(`apt-get download ${name} left no .deb`);
  await mustRun(['dpkg-deb', '-x', join(work, deb), join(work, 'root')]);
  renameSync(join(work, 'root'), target);
  rmSync(work, { recursive: true, force: true });
  return target;
}

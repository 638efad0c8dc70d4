/** Which Debian packages the boot assets are made of, and how apt's choice of them is read. Data and pure functions. */

/** Debian's names of the machines that have an agent. */
export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** The metapackage that names the suite's current kernel. */
export const kernelMetapackage = (architecture: Architecture): string => `linux-image-${architecture}`;

/** Loaders served over the network and written to disks, and a memory test that they start. iPXE's package holds those of every architecture, so it is in one list only. */
const LOADERS: Readonly<Record<Architecture, readonly string[]>> = {
  amd64: ['ipxe', 'shim-signed', 'grub-efi-amd64-signed', 'grub-efi-ia32-unsigned', 'grub-pc-bin', 'pxelinux', 'syslinux-common', 'memtest86+'],
  arm64: ['shim-signed', 'grub-efi-arm64-signed'],
};

/** Programs that go into the ephemeral image. */
const AGENT_TOOLS = [
  'busybox-static', 'jq', 'zstd', 'tar', 'coreutils', 'fdisk', 'util-linux', 'e2fsprogs', 'dosfstools', 'efibootmgr',
  'dmidecode', 'ipmitool', 'nvme-cli', 'hdparm',
];

/** Programs that run while building, out of their unpacked packages; always those of amd64, whatever is built. */
const BUILD_TOOLS = ['kmod', 'xz-utils', 'grub-common'];

/** Libraries of the programs above; the build names the missing one when a new suite needs another. */
const LIBRARIES = [
  'libc6', 'zlib1g', 'liblz4-1', 'liblzma5', 'libzstd1', 'libxxhash0', 'libjq1', 'libonig5', 'libfdisk1', 'libblkid1', 'libuuid1',
  'libmount1', 'libsmartcols1', 'libreadline8t64', 'libtinfo6', 'libselinux1', 'libpcre2-8-0', 'libudev1', 'libcap2', 'libacl1',
  'libext2fs2t64', 'libcom-err2', 'libefiboot1t64', 'libefivar1t64', 'libpopt0', 'libfreeipmi17', 'libssl3t64', 'libgcrypt20',
  'libgpg-error0', 'libnvme1t64', 'libjson-c5', 'libkeyutils1', 'libkmod2', 'libdevmapper1.02.1',
];

/** Every package of one architecture but the kernel, which the metapackage names. */
export function packagesOf(architecture: Architecture): readonly string[] {
  const tools = architecture === 'amd64' ? BUILD_TOOLS : [];
  return [...LOADERS[architecture], ...AGENT_TOOLS, ...tools, ...LIBRARIES].sort();
}

export type Package = { name: string; version: string; sha256: string; fileName: string; sizeBytes: number };

/** The kernel package a metapackage depends on, from `apt-cache show`; undefined when it names none. */
export function kernelPackageOf(aptCacheShow: string): string | undefined {
  const depends = /^Depends: (.*)$/m.exec(aptCacheShow)?.[1] ?? '';
  return /\blinux-image-\d[^ ,]*/.exec(depends)?.[0];
}

/** Reads `apt-get download --print-uris` (lines of `'uri' file size SHA256:hex`), sorted by name; other lines are apt's chatter. */
export function parsePrintUris(output: string): Package[] {
  const packages = [...output.matchAll(/^'[^']+' (\S+) (\d+) SHA256:([0-9a-f]{64})$/gm)].map((match): Package => {
    const fileName = match[1] ?? '';
    const [name = '', version = ''] = fileName.split('_');
    return { name, version: decodeURIComponent(version), sha256: match[3] ?? '', fileName, sizeBytes: Number(match[2]) };
  });
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The names of `wanted` that apt did not choose a package for. */
export function missingPackages(wanted: readonly string[], chosen: readonly Package[]): string[] {
  const names = new Set(chosen.map((one) => one.name));
  return wanted.filter((name) => !names.has(name));
}

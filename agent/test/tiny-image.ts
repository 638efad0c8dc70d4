/** A root file system just big enough to prove that a disk boots: the agent's kernel, and an initramfs that says so and powers off. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { assetPaths } from '../paths.ts';
import { encodeNewc, withParents } from '../recipe/newc.ts';
import { readNewc } from './newc-reader.ts';

/** What the booted system prints on its console. */
export const BOOTED = 'tiny image: booted';

const INIT = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
echo "${BOOTED}" >/dev/ttyS0
/bin/busybox cat /proc/cmdline >/dev/ttyS0
/bin/busybox poweroff -f
`;

async function tinyInitramfs(assets: string): Promise<Buffer> {
  const agent = readNewc(zstdDecompressSync(await readFile(join(assets, assetPaths.initrd))));
  const busybox = agent.get('usr/bin/busybox')?.data ?? Buffer.alloc(0);
  return gzipSync(encodeNewc(withParents([
    { path: 'init', kind: 'file', mode: 0o755, data: Buffer.from(INIT) }, { path: 'bin/busybox', kind: 'file', mode: 0o755, data: busybox },
    { path: 'dev/console', kind: 'device', mode: 0o600, major: 5, minor: 1 }, { path: 'proc', kind: 'directory' },
  ])));
}

export type TinyOptions = { assets: string; kernel?: boolean };

/** The tarball, zstd-compressed. Without `kernel` nothing in it can boot. */
export async function tinyRootfs({ assets, kernel = true }: TinyOptions): Promise<Buffer> {
  const root = await mkdtemp(join(tmpdir(), 'ironbus-tiny-'));
  const files: Record<string, Buffer | string> = {
    'etc/os-release': 'ID=tiny\n', 'etc/hostname': 'tiny\n', 'sbin/init': '#!/bin/sh\n', 'usr/share/filler': randomBytes(2_000_000),
    ...(kernel && { 'boot/vmlinuz-6.1-tiny': await readFile(join(assets, assetPaths.kernel)), 'boot/initrd.img-6.1-tiny': await tinyInitramfs(assets) }),
  };
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    return zstdCompressSync(execFileSync('tar', ['-C', root, '--numeric-owner', '--owner=0', '--group=0', '-cf', '-', '.'], { maxBuffer: 1 << 28 }));
  } finally {
    await rm(root, { recursive: true });
  }
}

/** The agent's initramfs: Debian's programs, libraries and kernel modules, and the agent's own scripts, as one newc archive. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { moduleName, modulesOf, selectModules } from './modules.ts';
import { encodeNewc, withParents, type Entry } from './newc.ts';
import { librariesOf, readStaged, runStaged, type Stage } from './stage.ts';

/** `target` is what the image is made of; `tools` are programs this machine runs. They are one where both are amd64. */
export type Stages = { target: Stage; tools: Stage };

/** Programs beside busybox; the scripts call them by full path, because busybox's shell prefers its own applets. */
const PROGRAMS = [
  'usr/bin/jq', 'usr/bin/zstd', 'usr/bin/tar', 'usr/bin/dd', 'usr/bin/efibootmgr', 'usr/bin/ipmitool', 'usr/bin/lsblk', 'usr/sbin/sfdisk',
  'usr/sbin/wipefs', 'usr/sbin/blkdiscard', 'usr/sbin/blkid', 'usr/sbin/mke2fs', 'usr/sbin/e2fsck', 'usr/sbin/resize2fs',
  'usr/sbin/mkfs.fat', 'usr/sbin/dmidecode', 'usr/sbin/nvme', 'usr/sbin/hdparm',
];

const FOLDERS = ['dev', 'proc', 'sys', 'run', 'tmp', 'mnt', 'root', 'etc'];
const LINKS: Readonly<Record<string, string>> = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', lib64: 'usr/lib64' };
/** mke2fs without its configuration makes another file system than Debian's installer. */
const CONFIGURATION = ['etc/mke2fs.conf'];

const file = (path: string, mode: number, data: Uint8Array): Entry => ({ path, kind: 'file', mode, data });

/** The list of applets is asked of the busybox that runs here: Debian builds all of them from one source and configuration. */
function busybox({ target, tools }: Stages): Entry[] {
  const applets = runStaged(tools, 'usr/bin/busybox', ['--list']).toString().split('\n').filter((name) => name !== '' && name !== 'busybox');
  const taken = new Set(PROGRAMS.map((path) => path.split('/').at(-1)));
  const links = applets.filter((name) => !taken.has(name)).map((name): Entry => ({ path: `usr/bin/${name}`, kind: 'link', target: 'busybox' }));
  const wellKnown: Entry = { path: 'usr/sbin/modprobe', kind: 'link', target: '../bin/busybox' }; // the path the kernel calls
  return [file('usr/bin/busybox', 0o755, readStaged(target, 'usr/bin/busybox')), ...links, wellKnown];
}

function programs(stage: Stage): Entry[] {
  const libraries = new Map(PROGRAMS.flatMap((program) => [...librariesOf(stage, program)]));
  return [
    ...PROGRAMS.map((path) => file(path, 0o755, readStaged(stage, path))),
    ...[...libraries].map(([soname, path]) => file(join(stage.libraries, soname), 0o755, readStaged(stage, path))),
    file(stage.loader, 0o755, readStaged(stage, stage.loader)),
    ...CONFIGURATION.map((path) => file(path, 0o644, readStaged(stage, path))),
  ];
}

/** Runs depmod (which reads modules of any architecture) in a scratch folder, and returns them with the tables modprobe reads. */
function indexed({ target, tools }: Stages, version: string, modules: ReadonlyMap<string, Buffer>): Entry[] {
  const scratch = mkdtempSync(join(tmpdir(), 'ironbus-modules-'));
  const base = join('lib/modules', version);
  try {
    for (const [path, bytes] of modules) {
      mkdirSync(dirname(join(scratch, base, path)), { recursive: true });
      writeFileSync(join(scratch, base, path), bytes);
    }
    for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
      writeFileSync(join(scratch, base, name), readStaged(target, join('usr', base, name)));
    }
    runStaged(tools, 'usr/sbin/depmod', ['-b', scratch, version]);
    const tables = ['modules.dep', 'modules.alias', 'modules.softdep', 'modules.builtin'].map((name) =>
      file(join('usr', base, name), 0o644, readFileSync(join(scratch, base, name))));
    return [...tables, ...[...modules].map(([path, bytes]) => file(join('usr', base, path), 0o644, bytes))];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Modules go in decompressed: the archive's one compression does better, and nothing is unpacked twice at boot. */
function kernelModules({ target, tools }: Stages): Entry[] {
  const version = kernelVersion(target);
  const base = join('usr/lib/modules', version);
  const all = readdirSync(join(target.root, base), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ko.xz'));
  const builtin = readStaged(target, join(base, 'modules.builtin')).toString().split('\n').map(moduleName);
  const chosen = selectModules(modulesOf(target.architecture), {
    paths: new Map(all.map((path) => [moduleName(path), path])),
    builtin: new Set(builtin),
    read: (path) => runStaged(tools, 'usr/bin/xz', ['-dc', join(target.root, base, path)]),
  });
  return indexed({ target, tools }, version, new Map([...chosen].map(([path, bytes]) => [path.replace(/\.xz$/, ''), bytes])));
}

/** The one kernel version in the stage. */
export function kernelVersion(stage: Stage): string {
  const [version, ...others] = readdirSync(join(stage.root, 'usr/lib/modules'));
  if (version === undefined || others.length > 0) throw new Error('initramfs: the packages must hold exactly one kernel');
  return version;
}

function agentScripts(source: string): Entry[] {
  const lib = readdirSync(join(source, 'lib')).sort();
  return [
    file('init', 0o755, readFileSync(join(source, 'init'))),
    ...lib.map((name) => file(`usr/lib/ironbus/${name}`, name.endsWith('.jq') ? 0o644 : 0o755, readFileSync(join(source, 'lib', name)))),
  ];
}

/** A line per entry with the hash of its bytes: what the agent's version is the hash of. */
function versionOf(entries: readonly Entry[]): string {
  const lines = withParents(entries).map((entry) => {
    const bytes = entry.kind === 'file' ? createHash('sha256').update(entry.data).digest('hex') : entry.kind === 'link' ? entry.target : '';
    return `${entry.path} ${entry.kind} ${bytes}\n`;
  });
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/** Builds the uncompressed archive; `source` is the folder with `init` and `lib/`. The agent finds its version in /etc/ironbus-version. */
export function buildInitramfs(stages: Stages, source: string): Buffer {
  const entries: Entry[] = [
    ...FOLDERS.map((path): Entry => ({ path, kind: 'directory' })),
    ...Object.entries(LINKS).map(([path, target]): Entry => ({ path, kind: 'link', target })),
    { path: 'dev/console', kind: 'device', mode: 0o600, major: 5, minor: 1 },
    ...busybox(stages), ...programs(stages.target), ...kernelModules(stages), ...agentScripts(source),
  ];
  const version = file('etc/ironbus-version', 0o644, Buffer.from(`${versionOf(entries)}\n`));
  return encodeNewc(withParents([...entries, version]));
}

/** Compresses with the packages' own zstd; a fixed thread count keeps the bytes the same on every machine. */
export function compress(stage: Stage, archive: Buffer): Buffer {
  return runStaged(stage, 'usr/bin/zstd', ['-q', '-17', '-T2', '-c'], { input: archive });
}

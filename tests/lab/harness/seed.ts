/** Puts a NoCloud seed into a raw disk image of ours by hand, with debugfs: how an image is tested without a provisioner. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from './run.ts';

/** A seed's four files; `user-data` and `vendor-data` get their `#cloud-config` line here. */
export type Seed = {
  metaData: Record<string, unknown>;
  userData?: Record<string, unknown>;
  vendorData?: Record<string, unknown>;
  networkConfig?: Record<string, unknown>;
};

/** The files of a seed by name. Pure. */
export function seedFiles(seed: Seed): Record<string, string> {
  const cloudConfig = (value: Record<string, unknown>): string => `#cloud-config\n${JSON.stringify(value, null, 1)}\n`;
  return {
    'meta-data': `${JSON.stringify(seed.metaData)}\n`,
    'user-data': cloudConfig(seed.userData ?? {}),
    'vendor-data': cloudConfig(seed.vendorData ?? {}),
    ...(seed.networkConfig !== undefined && { 'network-config': `${JSON.stringify(seed.networkConfig)}\n` }),
  };
}

/** Writes a seed into the ext4 root (third partition) of `raw`; throws with debugfs's words. */
export async function injectSeed(raw: string, seed: Seed): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'ironbus-seed-'));
  try {
    const table = JSON.parse(await mustRun(['sfdisk', '--json', raw])) as { partitiontable: { partitions: { start: number }[] } };
    const start = table.partitiontable.partitions[2]?.start;
    if (start === undefined) throw new Error(`${raw} has no third partition`);
    const files = seedFiles(seed);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
    const dirs = ['/var/lib/cloud', '/var/lib/cloud/seed', '/var/lib/cloud/seed/nocloud'].map((dir) => `mkdir ${dir}`);
    const writes = Object.keys(files).map((name) => `write ${join(work, name)} /var/lib/cloud/seed/nocloud/${name}`);
    await mustRun(['debugfs', '-w', '-f', '-', `${raw}?offset=${start * 512}`], { input: `${[...dirs, ...writes].join('\n')}\n` });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

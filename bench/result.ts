/** What a bench leaves behind: one JSON file per bench with the machine, the commit and a row per case. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** `ratio`: how many times better than the best rival; above 1 is better, also for latency and memory. Null without a rival. */
export type Row = { case: string; unit: string; ours: number; rivals: Record<string, number>; ratio: number | null };
export type Better = 'less' | 'more';

/** A row with its ratio worked out. */
export function row(name: string, unit: string, better: Better, ours: number, rivals: Record<string, number> = {}): Row {
  const values = Object.values(rivals);
  const best = better === 'less' ? Math.min(...values) : Math.max(...values);
  const ratio = values.length === 0 ? null : Number((better === 'less' ? best / ours : ours / best).toFixed(3));
  return { case: name, unit, ours: Number(ours.toFixed(3)), rivals: Object.fromEntries(Object.entries(rivals).map(([rival, value]) => [rival, Number(value.toFixed(3))])), ratio };
}

const root = dirname(import.meta.dirname);

/** Writes bench/results/<name>.json; `samples` are the single measurements behind the rows. */
export function writeResult(name: string, rows: readonly Row[], more: Record<string, unknown> = {}): void {
  const commit = spawnSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).stdout.trim();
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  mkdirSync(join(root, 'bench/results'), { recursive: true });
  writeFileSync(join(root, `bench/results/${name}.json`), `${JSON.stringify({ name, at: new Date().toISOString(), commit, machine, node: process.version, rows, ...more }, null, 2)}\n`);
}

export function printRows(rows: readonly Row[]): void {
  const cells = rows.map((each) => [each.case, each.unit, String(each.ours), Object.entries(each.rivals).map(([name, value]) => `${name} ${value}`).join(', '), each.ratio === null ? '' : String(each.ratio)]);
  const table = [['case', 'unit', 'ours', 'rivals', 'ratio'], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  for (const line of table) console.log(line.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd());
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

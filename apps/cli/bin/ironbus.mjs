#!/usr/bin/env node
/** Runs the command on Node 24: this one, or the one that came with the project's packages. Plain JavaScript: any Node can read it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, '../src/main.ts');
const own = join(here, '../../../node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');

if (Number(process.versions.node.split('.')[0]) >= 24) await import(main);
else if (existsSync(own)) become(own);
else {
  process.stderr.write(`ironbus: this needs Node 24, but runs on ${process.versions.node}: run "npm ci" in the project, which brings it\n`);
  process.exit(1);
}

function become(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0)));
}

#!/usr/bin/env node
/**
 * Every npm script comes through here: plain JavaScript, because a fresh machine may have only Node 18 or 20.
 * It installs the project's dependencies (Node 24 among them) if they are missing, then runs the real program on Node 24.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stackFlags } from './node-flags.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node24 = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');

/** What each command runs, and what it needs set up before (scripts/setup.ts). */
const commands = {
  start: { program: ['apps/all/src/main.ts'], flags: stackFlags, needs: ['nats', 'redis', 'ipmitool', 'assets'] },
  lab: { program: ['tests/lab/demo.ts'], needs: ['nats', 'redis', 'ipmitool', 'lab', 'assets', 'images'] },
  test: { program: ['scripts/test.ts', 'all'], needs: ['nats', 'redis', 'ipmitool', 'lab', 'assets'] },
  'test:unit': { program: ['scripts/test.ts', 'unit'], needs: [] },
  'test:lab': { program: ['scripts/test.ts', 'lab'], needs: ['nats', 'redis', 'ipmitool', 'lab', 'assets', 'images'] },
  'test:compose': { program: ['scripts/test.ts', 'compose'], needs: ['lab', 'assets', 'images'] },
  check: { program: ['scripts/check.ts'], needs: [] },
  bench: { program: ['bench/run.ts'], needs: ['nats', 'redis', 'ipmitool', 'lab', 'assets'] },
  setup: { program: [], needs: ['nats', 'redis', 'ipmitool', 'lab', 'assets', 'images'] },
  ironbus: { program: ['apps/cli/src/main.ts'], needs: [] },
  sim: { program: ['apps/sim/src/main.ts'], needs: [] },
};

const say = (text) => process.stderr.write(`ironbus: ${text}\n`);

function main() {
  const [name, ...rest] = process.argv.slice(2);
  const command = commands[name];
  if (command === undefined) {
    say(`unknown command ${name ?? '(none)'}; there are: ${Object.keys(commands).join(', ')}`);
    process.exit(2);
  }
  installDependencies();
  const env = { ...process.env, PATH: `${dirname(node24)}:${join(root, 'node_modules', '.bin')}:${process.env.PATH}` };
  if (command.needs.length > 0) {
    const setup = spawnSync(node24, [join(root, 'scripts/setup.ts'), ...command.needs], { cwd: root, env, stdio: 'inherit' });
    if (setup.status !== 0) process.exit(setup.status ?? 1);
  }
  if (command.program.length > 0) become(node24, [...(command.flags ?? []), join(root, command.program[0]), ...command.program.slice(1), ...rest], env);
}

/** `npm ci` from the lock file when node_modules is not what the lock file says. */
function installDependencies() {
  const stamp = join(root, 'node_modules', '.ironbus-lock');
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(node24) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('installing Node 24 and the packages of package-lock.json into node_modules (npm ci)');
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (npm.error?.code === 'ENOENT') return fail('npm is missing; install npm (Debian: apt-get install npm)');
  if (npm.status !== 0) return fail('npm ci failed; its messages are above');
  if (!existsSync(node24)) return fail(`no Node 24 build for ${process.platform}-${process.arch} came with the packages; supported is linux-x64`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

function fail(text) {
  say(text);
  process.exit(1);
}

/** Runs the program in this one's place: same stdio, signals passed on, its end is ours. */
function become(program, args, env) {
  const child = spawn(program, args, { cwd: process.cwd(), env, stdio: 'inherit' });
  child.on('error', (error) => fail(`${program} can not be started: ${error.message}`));
  process.on('SIGINT', () => {}); // a terminal sends it to the whole group: the child has it already
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0)));
}

main();

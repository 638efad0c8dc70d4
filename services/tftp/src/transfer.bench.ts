/** MB/s over loopback as atftp sees it, alone and fifty at a time: `node services/tftp/src/transfer.bench.ts`. The server's own CPU time is beside it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, readConfig } from '@ironbus/runtime';
import { configSpec } from './config.ts';
import { away } from './core/told.ts';
import { createTftpServer, type TftpServer } from './shell/server.ts';
import { keptFile } from './shell/shared-file.ts';
import { contentOf } from './testing/served.ts';

const files = new Map([['big', contentOf(40 * 1024 * 1024)], ['loader', contentOf(1024 * 1024)]]);
const folder = await mkdtemp(join(tmpdir(), 'ironbus-tftp-bench-'));
let fetched = 0;
const log = createLogger({ svc: 'tftp', level: 'fatal', rack: 'rack1' });

/** `TFTP_BENCH_PORT` measures another server that has the same two files. */
async function startServer(): Promise<TftpServer> {
  const read = readConfig(configSpec, { TFTP_HOST: '127.0.0.1', TFTP_PORT: '0' });
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  const nothing = (): void => undefined;
  const server = createTftpServer({
    config: read.config, log, watcher: { asked: nothing, refused: nothing, ended: nothing },
    files: { paths: [...files.keys()], take: (path) => keptFile(files.get(path.replace('loaders/', '')) ?? Buffer.alloc(0)).take('binary') }, virtual: { ask: () => Promise.resolve(away) },
  });
  await server.start();
  return server;
}

/** Throws where the file did not arrive whole. */
async function fetch(port: number, file: string, windowBlocks: number): Promise<void> {
  const local = join(folder, String(++fetched));
  const window = windowBlocks > 1 ? ['--option', `windowsize ${windowBlocks}`] : [];
  const child = spawn('atftp', ['--get', '--option', 'blksize 1468', ...window, '-r', file, '-l', local, '127.0.0.1', String(port)], { stdio: 'ignore' });
  await once(child, 'close');
  const { size } = await stat(local);
  if (size !== files.get(file)?.length) throw new Error(`${file}: ${size} bytes came`);
}

type Case = { file: string; windowBlocks: number; clients: number };
async function measure(port: number, { file, windowBlocks, clients }: Case): Promise<void> {
  const content = files.get(file) ?? Buffer.alloc(0);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: clients }, () => fetch(port, file, windowBlocks)));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const megabytes = clients * content.length / 1e6;
  process.stdout.write(`${`${clients} x ${file}, windowsize ${windowBlocks}`.padEnd(34)} ${(megabytes / seconds).toFixed(1).padStart(7)} MB/s  ${((user + system) / 1000 / megabytes).toFixed(1).padStart(6)} ms CPU/MB\n`);
}

const server = await startServer();
const port = Number(process.env['TFTP_BENCH_PORT'] ?? server.port());
for (const windowBlocks of [1, 8]) {
  await measure(port, { file: 'big', windowBlocks, clients: 1 });
  await measure(port, { file: 'loader', windowBlocks, clients: 50 });
}
await server.stop();
await rm(folder, { recursive: true });

import { run } from './program.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1)); // `ironbus … | head`
process.exitCode = await run(process.argv.slice(2), {
  env: process.env, out: (text) => { process.stdout.write(text); }, err: (text) => { process.stderr.write(text); },
  width: process.stdout.isTTY ? process.stdout.columns : undefined, signal: interrupted.signal,
});

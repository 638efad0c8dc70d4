/** A relay in a process of its own, for tests that stop it: says `sending <id>` and waits for a line before each publish counts. */
import { createInterface } from 'node:readline';
import { memoryBus } from './test-bus.ts';
import { openStore } from './store.ts';
import { startRelay } from './relay.ts';

const [url = '', prefix = '', lockMs = '300'] = process.argv.slice(2);
const say = (line: string): void => { process.stdout.write(`${line}\n`); };
const write = (fields: object, message: string): void => say(`${message} ${(fields as { reason?: string }).reason ?? ''}`);
const log = { debug: write, info: write, warn: write, error: write };
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const bus = memoryBus();
bus.beforePublish = async (event) => {
  say(`sending ${event.id}`);
  await lines.next();
  say(`sent ${event.id}`);
};
startRelay({ store: openStore({ url, prefix, log }), bus, log, lockMs: Number(lockMs) });

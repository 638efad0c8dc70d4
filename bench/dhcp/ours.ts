/** Our dhcp service as the bench's server: what runs in the namespace is ours-main.ts. */
import { setTimeout as pause } from 'node:timers/promises';
import { stackFlags } from '../../scripts/node-flags.mjs';
import type { Started } from './place.ts';
import type { Aftermath, Server } from './server.ts';

type Said = { ready?: Record<string, number>; aftermath?: Aftermath };

/** `nodeFlags` are given to the service's own Node: dhcp's own in deploy/compose unless told. */
export const ours = (nodeFlags: readonly string[] = stackFlags): Server => ({
  name: 'ironbus',
  flags: `node ${[...nodeFlags, 'services/dhcp/src/main.ts'].join(' ')}; redis-server appendonly yes, appendfsync everysec; nats-server sync_interval always; LOG_LEVEL warn; probeAddresses false`,
  async start(place) {
    const program = new URL('ours-main.ts', import.meta.url).pathname;
    const started = await place.start('server', [process.execPath, program, place.device, ...nodeFlags], { name: 'ironbus', stdin: 'pipe' });
    const { ready } = await heard(started, { word: 'ready', times: 1, timeoutMs: 40_000 });
    let asked = 0;
    return {
      processes: ready ?? {},
      async finish() {
        asked += 1;
        started.child.stdin?.write('finish\n');
        return (await heard(started, { word: 'aftermath', times: asked, timeoutMs: 180_000 })).aftermath ?? {};
      },
      async stop() {
        const { child } = started;
        child.stdin?.end('stop\n');
        for (let waited = 0; waited < 15_000 && child.exitCode === null; waited += 50) await pause(50);
        await started.stop();
      },
    };
  },
});

/** Waits until ours-main.ts has said this so many times, and gives the last. */
async function heard(started: Started, { word, times, timeoutMs }: { word: keyof Said; times: number; timeoutMs: number }): Promise<Said> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await pause(50)) {
    const said = started.output().split('\n').filter((line) => line.startsWith('bench ')).map((line) => JSON.parse(line.slice(6)) as Said);
    const found = said.filter((each) => each[word] !== undefined)[times - 1];
    if (found !== undefined) return found;
    if (started.child.exitCode !== null) break;
  }
  throw new Error(`our side said no ${word}: ${started.output().slice(-3_000)}`);
}

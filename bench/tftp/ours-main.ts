/** Our side, run inside the server's namespace: nats-server, and the tftp service as a process of its own. Says `bench ready`; ends with its input. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { ensureTopology, openBus } from '../../libs/bus/src/index.ts';
import { buckets, catalog } from '../../libs/contracts/src/index.ts';
import { freePort, startNats } from '../../libs/testkit/src/index.ts';
import { addresses } from '../dhcp/place.ts';

const [folder = '', ...nodeFlags] = process.argv.slice(2);
const nats = await startNats();
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };
const bus = openBus({ servers: nats.url, origin: { service: 'api', rack: 'rack1', instance: 'bench' }, log: silent });
await bus.whenReady();
await ensureTopology(bus, { catalog, buckets });
const healthPort = await freePort();
const tftp = spawn(process.execPath, [...nodeFlags, new URL('../../services/tftp/src/main.ts', import.meta.url).pathname], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { LOG_LEVEL: 'warn', ...process.env, NATS_URL: nats.url, RACK_ID: 'rack1', INSTANCE_ID: 'bench', TFTP_HOST: addresses.server, TFTP_HEALTH_PORT: String(healthPort), TFTP_ASSETS_DIR: folder },
});
while (!await fetch(`http://127.0.0.1:${healthPort}/readyz`).then((answer) => answer.ok, () => false)) {
  if (tftp.exitCode !== null) throw new Error('the tftp service ended');
  await pause(50);
}
process.stdout.write('bench ready\n');
process.stdin.resume();
await once(process.stdin, 'end');
const ended = once(tftp, 'exit');
tftp.kill('SIGTERM');
await Promise.all([ended, bus.close()]);
await nats.stop();
process.exit(0);

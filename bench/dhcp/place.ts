/**
 * Where the bench happens: a server's and a relay's namespace with a veth pair between them. The clients' network 10.64.0.0/15 is behind
 * the relay, whose address there is 10.64.0.2: perfdhcp plays the relay and everything behind it, and the server routes to it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeNamespaces, run } from '../../services/dhcp/src/testing/namespaces.ts';

export const addresses = {
  server: '192.0.2.1', router: '192.0.2.2', relay: '10.64.0.2', link: '192.0.2.0/24', clients: '10.64.0.0/15', clientsMask: '255.254.0.0',
  firstLease: '10.64.16.0', lastLease: '10.64.255.254',
} as const;

export type Place = {
  readonly server: string;
  readonly relay: string;
  /** The server's device on the link to the relay. */
  readonly device: string;
  /** For files of what runs here; one folder for each name. */
  folder(name: string): string;
  /** Starts a program in a namespace, its output in `<folder>/<name>.log`; it is ended with the place. */
  start(where: 'server' | 'relay', argv: readonly string[], options: { name: string; env?: NodeJS.ProcessEnv; stdin?: 'pipe' }): Promise<Started>;
  close(): Promise<void>;
};
export type Started = { pid: number; child: ChildProcess; output(): string; stop(): Promise<void> };

/** Makes the namespaces `<prefix>-server` and `<prefix>-relay`. Needs root. */
export function makePlace(prefix: string, dir: string): Place {
  const [server, relay, device] = [`${prefix}-server`, `${prefix}-relay`, `${prefix}0`];
  const remove = makeNamespaces([server, relay], [{ from: server, device, to: relay, peer: `${prefix}1`, address: `${addresses.server}/24` }]);
  run(`ip -n ${relay} addr add ${addresses.router}/24 dev ${prefix}1`);
  run(`ip -n ${relay} addr add ${addresses.relay}/15 dev ${prefix}1`); // perfdhcp sends by the device that has its address
  run(`ip -n ${server} route add ${addresses.clients} via ${addresses.router}`);
  const { start, folder, close } = makeStarter(dir);
  return {
    server, relay, device, folder,
    start: (where, argv, options) => start(where === 'server' ? server : relay, argv, options),
    async close() {
      await close();
      remove();
    },
  };
}

/** Starts programs in namespaces, their output in `<dir>/logs/<name>.log`; they are ended with it, and with this process. */
export function makeStarter(dir: string) {
  const started = new Set<Started>();
  process.once('exit', () => { for (const each of started) if (!hasEnded(each.child)) each.child.kill('SIGKILL'); });
  const folder = (name: string): string => {
    mkdirSync(join(dir, name), { recursive: true });
    return join(dir, name);
  };
  return {
    folder,
    async start(namespace: string, argv: readonly string[], { name, env, stdin }: { name: string; env?: NodeJS.ProcessEnv; stdin?: 'pipe' }): Promise<Started> {
      const logPath = join(folder('logs'), `${name}.log`);
      const log = openSync(logPath, 'w');
      const child = spawn('ip', ['netns', 'exec', namespace, ...argv], { stdio: [stdin ?? 'ignore', log, log], env: { ...process.env, ...env } });
      closeSync(log);
      await once(child, 'spawn');
      const one: Started = { pid: child.pid ?? 0, child, output: () => readFileSync(logPath, 'utf8'), stop: async () => { await endChild(child); started.delete(one); } };
      started.add(one);
      return one;
    },
    close: async (): Promise<void> => { await Promise.all([...started].map((each) => each.stop())); },
  };
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function endChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(timer);
}

/** Polls until `condition` holds; throws with `what` and what the program said when it ended or time is over. */
export async function untilReady(what: string, started: Started, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await pause(50)) {
    if (await condition()) return;
    if (hasEnded(started.child)) break;
  }
  throw new Error(`${what} did not start: ${started.output().slice(-2_000)}`);
}

/** The TFTP servers that are compared: ours as the process it is in production, with a NATS of its own, and three that everybody has. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ensurePackages, unpackPackage, type Say } from '../../tests/lab/harness/packages.ts';
import { run } from '../../tests/lab/harness/run.ts';
import { addresses, hasEnded, untilReady, type Place, type Started } from '../dhcp/place.ts';

export type Server = { readonly name: string; /** How it was started. */ readonly flags: string; start(place: Place, folder: string): Promise<Started> };

/** `nodeFlags` are given to the service's own Node. */
export const ours = (nodeFlags: readonly string[] = []): Server => ({
  name: 'ironbus', flags: ['node', ...nodeFlags, 'services/tftp/src/main.ts; LOG_LEVEL warn'].join(' '),
  async start(place, folder) {
    const program = new URL('ours-main.ts', import.meta.url).pathname;
    const started = await place.start('server', [process.execPath, program, folder, ...nodeFlags], { name: 'ironbus', stdin: 'pipe' });
    await untilReady('our tftp service', started, () => started.output().includes('bench ready'));
    const stop = async (): Promise<void> => {
      started.child.stdin?.end(); // it ends what it started, and then itself
      for (let waited = 0; waited < 10_000 && !hasEnded(started.child); waited += 20) await pause(20);
      await started.stop();
    };
    return { ...started, stop };
  },
});

/** A connection limit that lets all clients in, as its documentation says for many. */
export function dnsmasq(say: Say): Server {
  ensurePackages(['dnsmasq-base'], say);
  return rival('dnsmasq', (folder) => ['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--enable-tftp', `--tftp-root=${folder}`, '--tftp-max=2000', '--user=root', '--pid-file=']);
}

export async function tftpdHpa(cacheDir: string, say: Say): Promise<Server> {
  ensurePackages(['libwrap0'], say);
  const program = existsSync('/usr/sbin/in.tftpd') ? '/usr/sbin/in.tftpd' : join(await unpackPackage('tftpd-hpa', cacheDir, say), 'usr/sbin/in.tftpd');
  return rival('tftpd-hpa', (folder) => [program, '--foreground', '--address', `${addresses.server}:69`, '--user', 'root', '--secure', folder]);
}

/** Version 0.8 aborts at some 510 clients, whatever `--maxthread` says: it gives select(2) descriptors beyond FD_SETSIZE. */
export async function atftpd(cacheDir: string, say: Say): Promise<Server> {
  ensurePackages(['libwrap0', 'libpcre2-8-0'], say);
  const program = existsSync('/usr/sbin/atftpd') ? '/usr/sbin/atftpd' : join(await unpackPackage('atftpd', cacheDir, say), 'usr/sbin/atftpd');
  return rival('atftpd', (folder) => [program, '--daemon', '--no-fork', '--user', 'root', '--group', 'root', '--maxthread', '2000', '--no-multicast', '--verbose=3', '--logfile', '-', '--bind-address', addresses.server, folder]);
}

const rival = (name: string, argv: (folder: string) => readonly string[]): Server => ({
  name, flags: argv('<folder>').join(' '),
  async start(place, folder) {
    if (await listens(place)) throw new Error(`${name} can not be started: the server before it still has its port`);
    const started = await place.start('server', argv(folder), { name });
    await untilReady(name, started, () => listens(place));
    return started;
  },
});

/** Whether anything holds UDP port 69 in the server's namespace. */
const listens = async (place: Place): Promise<boolean> => (await run(['ip', 'netns', 'exec', place.server, 'ss', '-Hlun', 'sport', '=', ':69'])).stdout.trim() !== '';

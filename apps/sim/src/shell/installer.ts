/** A distribution's own installer: it fetches its configuration, writes the disk, calls the URL that the configuration names, and restarts. */
import { insist } from './system.ts';
import { wipe } from './disk.ts';
import type { Machine } from './machine.ts';

type Installing = { machine: Machine; configUrl: string; address: string; signal: AbortSignal };

/** The address of the configuration in a kernel's command line; undefined where it is no installer's. */
export const configUrlOf = (commandLine: string): string | undefined => /=(http\S+\/install\/\S+)/.exec(commandLine)?.[1];

export async function runInstaller({ machine, configUrl, address, signal }: Installing): Promise<'reboot'> {
  const config = (await insist(machine, 'config', { method: 'GET', url: configUrl, from: address, signal })).bytes.toString();
  machine.touch('install', configUrl.split('/').at(-2) ?? null);
  wipe(machine.disk);
  await machine.pass('installing', signal);
  machine.disk.image = `installed:${/netcfg\/get_hostname string (\S+)/.exec(config)?.[1] ?? ''}`;
  const url = /http\S+\/phone-home\/[^\s"';]+/.exec(config)?.[0];
  if (url !== undefined) await insist(machine, 'phone-home', { method: 'GET', url, from: address, signal });
  await machine.pass('installed', signal);
  return 'reboot';
}

/** `ironbus networks …`, `ironbus fabrics …` */
import { Option, type Command } from 'commander';
import type { Network } from '@ironbus/contracts';
import { refusalOf } from '../core/becoming.ts';
import { CliError } from '../core/errors.ts';
import { describeNetwork, describeStatus, fabricHeaders, fabricRows, networkHeaders, networkRow, type Fabric, type NetworkStatus } from '../core/network.ts';
import { formatTable } from '../core/table.ts';
import { readText } from '../shell/client.ts';
import { path, type Cli } from '../shell/context.ts';
import { readStatus, statusBefore, waitForNetwork } from '../shell/wait-for-network.ts';

const foreignServers = ['dnsmasq', 'isc', 'kea', 'unifi', 'edgeos', 'pfsense', 'opnsense', 'mikrotik'] as const;
type Settings = { server: string; product: string; where: string; settings: string; limits: string[] };
type SaveOptions = { force?: boolean; wait: boolean };

export function networkCommands(program: Command, cli: Cli): void {
  const networks = program.command('networks').alias('network').description('Networks and how each is served');
  readCommands(networks, cli);
  changeCommands(networks, cli);
  const fabrics = program.command('fabrics').alias('fabric').description('The wires: fabrics, their VLANs, the networks on each');
  fabrics.command('list').alias('ls').description('All fabrics')
    .action(async () => cli.print(await (await cli.client()).get<Fabric[]>('/api/v1/fabrics'), (fabrics) =>
      (fabrics.length === 0 ? 'none' : formatTable(fabricHeaders, fabricRows(fabrics), cli.io.width))));
}

function readCommands(networks: Command, cli: Cli): void {
  networks.command('list').alias('ls').description('All networks').action(async () =>
    cli.table(await (await cli.client()).get<Network[]>('/api/v1/networks'), networkHeaders, networkRow));
  networks.command('show <network>').description('One network').action(async (id: string) =>
    cli.print(await (await cli.client()).get<Network>(path`/api/v1/networks/${id}`), describeNetwork));
  networks.command('status <network>').description('How it stands at the dhcp services of its rack, and which other servers they saw')
    .action(async (id: string) => cli.print(await readStatus(await cli.client(), id), describeStatus));
  networks.command('settings <network>').description('What another DHCP server has to be told so that machines boot from here')
    .addOption(new Option('--server <product>', 'only this one').choices(foreignServers))
    .action(async (id: string, { server }: { server?: string }) => {
      const client = await cli.client();
      const all = await Promise.all((server === undefined ? foreignServers : [server]).map((name) =>
        client.get<Settings>(path`/api/v1/networks/${id}/foreign-settings?server=${name}`)));
      if (server === undefined) cli.print(all, (settings) => settings.map(describeSettings).join('\n\n'));
      else cli.print(all[0], (settings) => (settings === undefined ? '' : describeSettings(settings)));
    });
}

const describeSettings = ({ server, product, where, settings, limits }: Settings): string => [
  `== ${server}: ${product}`, `Where: ${where}`, '', settings.trimEnd(), '', ...limits.map((limit) => `- ${limit}`),
].join('\n');

function changeCommands(networks: Command, cli: Cli): void {
  const saving = (usage: string, doc: string): Command =>
    networks.command(usage).description(doc).option('--no-wait', 'do not wait for what the rack makes of an authoritative network');
  saving('add <file>', 'Serve a network described in a JSON file (- reads standard input); without a "mode" nothing on it is answered')
    .action(async (file: string, options: SaveOptions) => save(cli, await readNetwork(file), { method: 'POST', url: '/api/v1/networks', wait: options.wait }));
  saving('set <file>', 'Change a network to what a JSON file describes; it counts from the next packet')
    .option('--force', 'also where addresses that are in use go')
    .action(async (file: string, { force, wait }: SaveOptions) => {
      const network = await readNetwork(file);
      if (typeof network.id !== 'string') throw new CliError('USAGE', `${file} has no "id": it names the network to change`);
      await save(cli, network, { method: 'PUT', url: `${path`/api/v1/networks/${network.id}`}${forced(force)}`, wait });
    });
  networks.command('remove <network>').alias('rm').description('Stop serving a network')
    .option('--force', 'also where its addresses are in use').action(async (id: string, { force }: { force?: boolean }) => {
    await (await cli.client()).call('DELETE', `${path`/api/v1/networks/${id}`}${forced(force)}`);
    cli.print({ removed: id }, () => `network ${id} is removed`);
  });
}

const forced = (force: boolean | undefined): string => (force === true ? '?force=true' : '');

type Save = { method: 'POST' | 'PUT'; url: string; wait: boolean };

/** Saves, prints, and for an authoritative network waits for its rack. Throws AUTHORITY_REFUSED where the rack does not answer on it. */
async function save(cli: Cli, network: { id?: unknown }, { method, url, wait }: Save): Promise<void> {
  const client = await cli.client();
  const before = typeof network.id === 'string' ? await statusBefore(client, network.id) : undefined;
  const { body } = await client.call<Network>(method, url, { body: network });
  cli.print(body, describeNetwork);
  if (body.mode === 'off') cli.say(`nothing on ${body.id} is answered; "ironbus networks settings ${body.id}" shows what another DHCP server has to be told`);
  if (body.mode !== 'authoritative' || !wait) return notes(cli, await readStatus(client, body.id));
  const { status, outcome } = await waitForNetwork(client, body.id, { before, signal: cli.io.signal });
  notes(cli, status);
  const refusal = refusalOf(status);
  if (refusal !== undefined) throw new CliError('AUTHORITY_REFUSED', refusal);
  if (outcome.settled) cli.say(`${body.id} is authoritative`);
  else cli.say(`${body.id} is saved; its rack has not said yet that it answers there (${status.state}${status.why === null ? '' : `: ${status.why}`})`);
}

function notes(cli: Cli, { warnings }: NetworkStatus): void {
  for (const { path: where, message } of warnings) cli.say(`note: ${where} ${message}`);
}

async function readNetwork(file: string): Promise<{ id?: unknown }> {
  try {
    return JSON.parse(await readText(file)) as { id?: unknown };
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('USAGE', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

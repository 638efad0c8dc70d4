/** `ironbus networks …` */
import type { Command } from 'commander';
import type { Network } from '@ironbus/contracts';
import { CliError } from '../core/errors.ts';
import { formatFields } from '../core/table.ts';
import { readText } from '../shell/client.ts';
import { path, type Cli } from '../shell/context.ts';

export function networkCommands(program: Command, cli: Cli): void {
  const networks = program.command('networks').alias('network').description('Networks and how each is served');
  networks.command('list').alias('ls').description('All networks').action(async () =>
    cli.table(await (await cli.client()).get<Network[]>('/api/v1/networks'), ['ID', 'RACK', 'INTERFACE', 'CIDR', 'MODE', 'SERVER', 'RANGES', 'UNKNOWN MACHINES'],
      (network) => [network.id, network.rack, network.interface, network.cidr, network.mode, network.serverAddress, network.dynamicRanges.map(({ from, to }) => `${from}-${to}`).join(' '), network.unknownMachines]));
  networks.command('show <network>').description('One network').action(async (id: string) => cli.print(await (await cli.client()).get<Network>(path`/api/v1/networks/${id}`), describe));
  networks.command('add <file>').description('Serve a network described in a JSON file (- reads standard input); without a "mode" nothing on it is answered').action(async (file: string) => {
    const { body } = await (await cli.client()).call<Network>('POST', '/api/v1/networks', { body: await readNetwork(file) });
    cli.print(body, describe);
  });
  networks.command('set <file>').description('Change a network to what a JSON file describes; it counts from the next packet').action(async (file: string) => {
    const network = await readNetwork(file);
    if (typeof network.id !== 'string') throw new CliError('USAGE', `${file} has no "id": it names the network to change`);
    const { body } = await (await cli.client()).call<Network>('PUT', path`/api/v1/networks/${network.id}`, { body: network });
    cli.print(body, describe);
  });
  networks.command('remove <network>').alias('rm').description('Stop serving a network').action(async (id: string) => {
    await (await cli.client()).call('DELETE', path`/api/v1/networks/${id}`);
    cli.print({ removed: id }, () => `network ${id} is removed`);
  });
}

const describe = (network: Network): string => formatFields(Object.entries(network).map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value]));

async function readNetwork(file: string): Promise<{ id?: unknown }> {
  try {
    return JSON.parse(await readText(file)) as { id?: unknown };
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('USAGE', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

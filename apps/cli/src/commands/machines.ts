/** `ironbus machines …` */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Envelope, Inventory, Node } from '@ironbus/contracts';
import { parseDuration } from '../core/duration.ts';
import { CliError } from '../core/errors.ts';
import { describeMachine, machineHeaders, machineRow } from '../core/machine.ts';
import { formatEvent } from '../core/summary.ts';
import { readText } from '../shell/client.ts';
import { path, type Cli } from '../shell/context.ts';
import { filesByName } from './profiles.ts';
import { askAndWait, type Asked } from '../shell/wait-for-machine.ts';

const defaultWaitSeconds = 3600;
export const collect = (value: string, before: string[] = []): string[] => [...before, value];
const words = (value: string): string[] => value.split(',').filter((word) => word !== '');

export function waitSeconds(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds === 0) throw new InvalidArgumentError('a time such as 90, 90s, 15m or 2h');
  return seconds;
}

export function machineCommands(program: Command, cli: Cli): void {
  const machines = program.command('machines').alias('machine').description('Machines: show, change, deploy, release');
  readCommands(machines, cli);
  settingCommands(machines, cli);
  plainActions(machines, cli);
  deployCommand(machines, cli);
}

function readCommands(machines: Command, cli: Cli): void {
  machines.command('list').alias('ls').description('All machines')
    .option('--status <status>').option('--hostname <name>').option('--mac <mac>').option('--tag <tag>')
    .action(async (filters: Record<string, string>) => {
      const query = new URLSearchParams(filters).toString();
      cli.table(await (await cli.client()).get<Node[]>(`/api/v1/machines${query === '' ? '' : `?${query}`}`), machineHeaders, machineRow);
    });
  machines.command('show <machine>').description('One machine, by hostname, id or MAC')
    .action(async (machine: string) => cli.print(await (await cli.client()).get<Node & { inventory: Inventory | null }>(path`/api/v1/machines/${machine}`), describeMachine));
  machines.command('events <machine>').description('What the log says of it, oldest first')
    .action(async (machine: string) => cli.print(await (await cli.client()).get<Envelope[]>(path`/api/v1/machines/${machine}/events`), (events) => events.map((event) => formatEvent(event)).join('\n')));
}

type Request = { machine: string; action: string; body: Record<string, unknown>; options: ActionOptions };
type ActionOptions = { wait?: number | true; comment?: string; idempotencyKey?: string };

/** Asks, waits where told to, prints the machine (or the operation that is still open). */
async function perform(cli: Cli, { machine, action, body, options }: Request): Promise<void> {
  const client = await cli.client();
  const headers = options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
  const full = { ...body, ...(options.comment !== undefined && { comment: options.comment }) };
  const ask = (id: string): Promise<Asked> => client.call('POST', path`/api/v1/machines/${id}/${action}`, { body: full, headers });
  if (options.wait === undefined) return show(cli, await ask(machine));
  const seconds = options.wait === true ? defaultWaitSeconds : options.wait;
  const { id } = await client.get<Node>(path`/api/v1/machines/${machine}`);
  show(cli, { status: 200, body: await askAndWait(client, { machine: id, action, seconds, say: cli.say, signal: cli.io.signal }, () => ask(id)) });
}

function show(cli: Cli, { status, body }: Asked): void {
  if (status === 202) return cli.print(body as { operation: string }, ({ operation }) => `asked for, not answered yet (operation ${operation})`);
  cli.print(body as Node, (node) => `${node.hostname} (${node.id}): ${node.status}${node.statusMessage === '' ? '' : `: ${node.statusMessage}`}`);
}

/** A command that asks something of one machine. */
function actionCommand(machines: Command, usage: string, doc: string): Command {
  return machines.command(usage).description(doc)
    .addOption(new Option('--wait [time]', 'wait until it is over (90s, 15m, 2h; 1h unless told), and fail if it failed').argParser(waitSeconds))
    .option('--comment <text>', 'why; it is kept in the log')
    .option('--idempotency-key <key>', 'the same key again is the same request');
}

function plainActions(machines: Command, cli: Cli): void {
  const plain = [
    ['accept', 'Take a new machine in: it is commissioned'], ['abort', 'Stop what is in progress'], ['rescue', 'Boot into memory, disks untouched'],
    ['exit-rescue', 'Leave rescue mode'], ['mark-broken', 'Nobody may use it'], ['mark-fixed', 'It may be used again'],
    ['reserve', 'Keep it for somebody without giving it to them'], ['retire', 'Take it out of use for good'],
  ] as const;
  for (const [action, doc] of plain) {
    actionCommand(machines, `${action} <machine>`, doc).action((machine: string, options: ActionOptions) => perform(cli, { machine, action, body: {}, options }));
  }
  actionCommand(machines, 'commission <machine>', 'Inventory and test').option('--tests <names>', 'comma-separated', words)
    .action((machine: string, { tests, ...options }: ActionOptions & { tests?: string[] }) => perform(cli, { machine, action: 'commission', body: { ...(tests !== undefined && { tests }) }, options }));
  actionCommand(machines, 'test <machine> <tests...>', 'Run hardware tests')
    .action((machine: string, tests: string[], options: ActionOptions) => perform(cli, { machine, action: 'test', body: { tests: tests.flatMap(words) }, options }));
  actionCommand(machines, 'allocate <machine>', 'Give it to an owner').option('--owner <name>')
    .action((machine: string, { owner, ...options }: ActionOptions & { owner?: string }) => perform(cli, { machine, action: 'allocate', body: { ...(owner !== undefined && { owner }) }, options }));
  actionCommand(machines, 'release <machine>', 'Take it back').addOption(new Option('--erase <how>', 'what happens to its disks').choices(['none', 'quick', 'secure']))
    .action((machine: string, { erase, ...options }: ActionOptions & { erase?: string }) => perform(cli, { machine, action: 'release', body: { ...(erase !== undefined && { erase }) }, options }));
  actionCommand(machines, 'power <machine> <action>', 'on, off, soft, cycle or status')
    .action((machine: string, action: string, options: ActionOptions) => perform(cli, { machine, action: 'power', body: { action }, options }));
}

type DeployOptions = ActionOptions & { image?: string; profile?: string; secret?: string[]; hostname?: string; sshKey?: string[]; userData?: string; disk?: string; addressing?: string; bootOrder?: string; datasource?: string; owner?: string };

function deployCommand(machines: Command, cli: Cli): void {
  actionCommand(machines, 'deploy <machine>', 'Put an operating system on its disk')
    .option('--image <id>', 'written to the disk by the agent').option('--profile <id>', 'its installer writes the disk itself').option('--secret <name=file>', 'for the profile’s template; may be repeated', collect).option('--hostname <name>').option('--owner <name>').option('--disk <serial or path>', 'the smallest that fits unless told')
    .option('--ssh-key <file>', 'a public key file, one key a line; may be repeated', collect).option('--user-data <file>', 'cloud-init user-data; - reads standard input')
    .addOption(new Option('--addressing <how>').choices(['static', 'dhcp'])).addOption(new Option('--boot-order <order>').choices(['network-first', 'disk-first']))
    .addOption(new Option('--datasource <source>', 'where cloud-init finds its seed: on the disk, or at the rack’s MAAS metadata').choices(['nocloud', 'maas']))
    .action(async (machine: string, options: DeployOptions) => perform(cli, { machine, action: 'deploy', body: await deployBody(options), options }));
}

async function deployBody({ image, profile, secret, hostname, owner, disk, addressing, bootOrder, datasource, sshKey = [], userData }: DeployOptions): Promise<Record<string, unknown>> {
  const files = await Promise.all(sshKey.map(readText));
  const sshKeys = files.flatMap((text) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')));
  if ((image === undefined) === (profile === undefined)) throw new CliError('USAGE', 'give either --image or --profile');
  const secrets = secret === undefined ? undefined : Object.fromEntries(Object.entries(await filesByName(secret)).map(([name, text]) => [name, text.replace(/\r?\n$/, '')]));
  const given = { image, profile, secrets, hostname, owner, disk, addressing, bootOrder, datasource, userData: userData === undefined ? undefined : await readText(userData) };
  return { sshKeys, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

type SetOptions = { hostname?: string; tag?: string[] | false; tags?: boolean; powerType?: string; powerAddress?: string; powerPort?: string; powerUser?: string; powerPasswordFile?: string };

function settingCommands(machines: Command, cli: Cli): void {
  machines.command('create <mac...>').description('Make a machine by hand; its first network boot matches it by MAC').option('--hostname <name>')
    .action(async (macs: string[], options: { hostname?: string }) => {
      const body = { macs: macs.map((mac) => mac.toLowerCase().replaceAll('-', ':')), ...options };
      show(cli, await (await cli.client()).call('POST', '/api/v1/machines', { body }));
    });
  machines.command('set <machine>').description('Change its settings; the BMC password comes from --power-password-file or IRONBUS_POWER_PASSWORD')
    .option('--hostname <name>').option('--tag <tag>', 'replaces all tags; may be repeated', collect).option('--no-tags', 'removes all tags')
    .addOption(new Option('--power-type <type>').choices(['manual', 'ipmi'])).option('--power-address <host>').option('--power-port <port>').option('--power-user <name>').option('--power-password-file <file>')
    .action(async (machine: string, options: SetOptions) => show(cli, await (await cli.client()).call('PATCH', path`/api/v1/machines/${machine}`, { body: await settingsBody(options, cli.io.env) })));
  machines.command('remove <machine>').alias('rm').description('Forget it')
    .action(async (machine: string) => {
      const { status, body } = await (await cli.client()).call<{ operation: string } | null>('DELETE', path`/api/v1/machines/${machine}`);
      cli.print(body ?? { removed: machine }, () => (status === 202 ? 'asked for, not answered yet' : `${machine} is forgotten`));
    });
}

/** Throws USAGE where nothing is to be changed, or a password is missing. */
export async function settingsBody(options: SetOptions, env: Record<string, string | undefined>): Promise<Record<string, unknown>> {
  const { hostname, tag, tags, powerType } = options;
  const body = {
    ...(hostname !== undefined && { hostname }), ...(tags === false ? { tags: [] } : Array.isArray(tag) && { tags: tag }),
    ...(powerType !== undefined && { power: await powerBody(options, env) }),
  };
  if (powerType === undefined && (options.powerAddress ?? options.powerUser ?? options.powerPasswordFile) !== undefined) throw new CliError('USAGE', 'power settings need --power-type ipmi');
  if (Object.keys(body).length === 0) throw new CliError('USAGE', 'nothing to change: give --hostname, --tag, --no-tags or --power-type');
  return body;
}

async function powerBody({ powerType, powerAddress, powerPort, powerUser, powerPasswordFile }: SetOptions, env: Record<string, string | undefined>): Promise<Record<string, unknown>> {
  if (powerType === 'manual') return { type: 'manual' };
  const password = powerPasswordFile === undefined ? env['IRONBUS_POWER_PASSWORD'] : (await readText(powerPasswordFile)).replace(/\r?\n$/, '');
  if (powerAddress === undefined || powerUser === undefined || password === undefined) throw new CliError('USAGE', 'ipmi needs --power-address, --power-user and a password (--power-password-file or IRONBUS_POWER_PASSWORD)');
  return { type: powerType, address: powerAddress, username: powerUser, password, ...(powerPort !== undefined && { port: Number(powerPort) }) };
}

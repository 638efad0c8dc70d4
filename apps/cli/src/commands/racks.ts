/** `ironbus racks list`, `ironbus rack token`, `ironbus rack join` */
import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import type { Rack } from '@ironbus/contracts';
import { CliError, exitCodeOf, exitCodes } from '../core/errors.ts';
import { joinRack, type JoinedRack, type JoinRack } from '../join-rack.ts';
import { readText } from '../shell/client.ts';
import type { Cli } from '../shell/context.ts';
import { waitSeconds } from './machines.ts';

type JoinOptions = { region: string; rack: string; dir: string; tokenFile?: string; wait?: number | true };

export function rackCommands(program: Command, cli: Cli): void {
  const racks = program.command('racks').alias('rack').description('Racks: let one join, list those that did');
  racks.command('list').alias('ls').description('Racks that have joined').action(async () =>
    cli.table(await (await cli.client()).get<Rack[]>('/api/v1/racks'), ['ID', 'JOINED', 'PUBLIC KEY'], (rack) => [rack.id, rack.joinedAt, rack.publicKey]));
  racks.command('token').description('Print a token that lets one rack join within the hour').action(async () =>
    cli.print((await (await cli.client()).call<{ token: string }>('POST', '/api/v1/racks/tokens')).body, ({ token }) => token));
  racks.command('join').description('Join a region as a rack; the token comes from --token-file or IRONBUS_JOIN_TOKEN')
    .requiredOption('--region <url>').requiredOption('--rack <id>').requiredOption('--dir <dir>', 'where rack.key, region.key and rack.json are written').option('--token-file <file>')
    .addOption(new Option('--wait [time]', 'try until the region answers (for ever, or 90s, 15m, 2h)').argParser(waitSeconds))
    .action(async (options: JoinOptions) => {
      const joined = await patiently(cli, options, { region: options.region, rack: options.rack, dir: options.dir, token: await readToken(options, cli.io.env) });
      cli.print(joined, ({ already, rack, region, dir }) => (already ? `rack ${rack} has joined ${region} already, nothing to do` : `rack ${rack} joined ${region}; its keys are in ${dir}`));
    });
}

async function readToken({ tokenFile }: JoinOptions, env: Record<string, string | undefined>): Promise<string | undefined> {
  const file = tokenFile ?? (env['IRONBUS_JOIN_TOKEN'] === undefined ? env['IRONBUS_JOIN_TOKEN_FILE'] : undefined);
  return (file === undefined ? env['IRONBUS_JOIN_TOKEN'] : await readText(file))?.trim();
}

async function patiently(cli: Cli, { wait }: JoinOptions, join: JoinRack): Promise<JoinedRack> {
  const endAt = wait === undefined ? 0 : wait === true ? Infinity : Date.now() + wait * 1000;
  for (let attempt = 0, said = ''; ; attempt += 1) {
    try {
      return await joinRack(join);
    } catch (error) {
      if (!(error instanceof CliError) || exitCodeOf(error.code) !== exitCodes.unreachable || Date.now() >= endAt || cli.io.signal.aborted) throw error;
      if (error.message !== said) cli.say(`${error.message}; trying again`);
      said = error.message;
      await sleep(Math.min(5_000, 200 * 2 ** attempt), undefined, { signal: cli.io.signal }).catch(() => undefined);
    }
  }
}

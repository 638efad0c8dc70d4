/** The `ironbus` command: its options, its subcommands, and how it ends. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { dhcpCommands } from './commands/dhcp.ts';
import { eventCommands } from './commands/events.ts';
import { imageCommands } from './commands/images.ts';
import { machineCommands } from './commands/machines.ts';
import { networkCommands } from './commands/networks.ts';
import { profileCommands } from './commands/profiles.ts';
import { rackCommands } from './commands/racks.ts';
import { CliError, exitCodeOf, exitCodes, type ExitCode } from './core/errors.ts';
import { createCli, type Io } from './shell/context.ts';

const help = `
Environment: IRONBUS_API, IRONBUS_API_KEY or IRONBUS_API_KEY_FILE.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 region not reached or key not accepted.`;

export function createProgram(io: Io): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  const program = new Command('ironbus').description('Bare machines as a service: the region’s API on the command line').version(version)
    .option('--api <url>', 'the region (http://127.0.0.1:5240 unless told)').option('--key <key>', 'API key; better in the environment, where other users do not see it').option('--key-file <file>', 'a file with the API key')
    .option('--json', 'print JSON').addHelpText('after', help).showSuggestionAfterError();
  const cli = createCli(program, io);
  for (const commands of [machineCommands, imageCommands, profileCommands, networkCommands, rackCommands, eventCommands, dhcpCommands]) commands(program, cli);
  configure(program, io);
  return program;
}

/** Commander's own texts go where ours go, and it throws instead of exiting. */
function configure(command: Command, io: Io): void {
  command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
  for (const child of command.commands) configure(child, io);
}

/** Never throws for what the caller or the world did wrong: that is on stderr, and in the exit code. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const program = createProgram(io);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!(error instanceof CliError)) throw error;
    const { code, message } = error;
    io.err(program.opts()['json'] === true ? `${JSON.stringify({ error: { code, message } })}\n` : `ironbus: ${code}: ${message}\n`);
    return exitCodeOf(code);
  }
}

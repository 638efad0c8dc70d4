/** `ironbus events`, `ironbus tap`: the bus as readable lines. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatEvent } from '../core/summary.ts';
import { clip } from '../core/table.ts';
import type { Cli } from '../shell/context.ts';
import { follow, type Followed } from '../shell/follow.ts';

type EventOptions = { node?: string; subject?: string; since?: number; count?: number };

export function eventCommands(program: Command, cli: Cli): void {
  const since = new Option('--since <sequence>', 'from this sequence of the log on (1: everything it has)').argParser(whole);
  const count = new Option('--count <n>', 'end after so many').argParser(whole);
  program.command('events').description('Facts as they happen; with --node or --subject observations too')
    .option('--node <machine>', 'of one machine, by hostname, id or MAC').option('--subject <subject>', 'such as "node.>" or "*.*.rack1.>"').addOption(since).addOption(count)
    .action((options: EventOptions) => {
      const factsOnly = options.node === undefined && options.subject === undefined;
      return stream(cli, options, ({ sequence }) => !factsOnly || sequence !== undefined);
    });
  program.command('tap [subject]').description('Every event of the bus, facts and observations, as it happens').addOption(count)
    .action((subject: string | undefined, options: EventOptions) => stream(cli, { ...options, ...(subject !== undefined && { subject }) }, () => true));
}

function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

/** Until interrupted, or `count` lines are out. --json prints one envelope per line, as it was published. */
async function stream(cli: Cli, { node, subject, since, count = Infinity }: EventOptions, wanted: (followed: Followed) => boolean): Promise<void> {
  const given = { node, subject, since: since?.toString() };
  const query = new URLSearchParams(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const following = follow(await cli.client(), {
    query: query.size === 0 ? '' : `?${query}`, signal: cli.io.signal,
    onOpen: () => cli.say('listening'), onBreak: (why) => cli.io.err(`${why}; connecting again\n`),
  });
  let seen = 0;
  for await (const followed of following) {
    if (!wanted(followed)) continue;
    const { event } = followed;
    cli.io.out(`${cli.json() ? JSON.stringify(event) : clip(formatEvent(event), cli.io.width)}\n`);
    seen += 1;
    if (seen >= count) return;
  }
}

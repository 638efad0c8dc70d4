/** What every command stands on: the settings of this call, the region, and where to print. */
import type { Command } from 'commander';
import { CliError } from '../core/errors.ts';
import { formatTable, type Cell } from '../core/table.ts';
import { Client, readSettings } from './client.ts';

export type Io = { env: Record<string, string | undefined>; out: (text: string) => void; err: (text: string) => void; width: number | undefined; signal: AbortSignal };

export type Cli = {
  io: Io;
  /** Of the region that the options and the environment name. */
  client: () => Promise<Client>;
  json: () => boolean;
  /** The value as JSON with --json, else what `human` makes of it. */
  print: <T>(value: T, human: (value: T) => string) => void;
  table: <T>(values: readonly T[], headers: readonly string[], row: (value: T) => readonly Cell[]) => void;
  /** For people who wait; silent with --json. */
  say: (line: string) => void;
};

export function createCli(program: Command, io: Io): Cli {
  const options = (): { api?: string; key?: string; keyFile?: string; json?: boolean } => program.opts();
  const json = (): boolean => options().json === true;
  const cli: Cli = {
    io, json,
    client: async () => {
      const settings = await readSettings(options(), io.env);
      if (settings.key === undefined) throw new CliError('AUTH_REQUIRED', 'no API key: set IRONBUS_API_KEY or IRONBUS_API_KEY_FILE; the first key was printed when Ironbus first started');
      return new Client({ ...settings, signal: io.signal });
    },
    print: (value, human) => { io.out(`${json() ? JSON.stringify(value, null, 2) : human(value)}\n`); },
    table: (values, headers, row) => cli.print(values, () => (values.length === 0 ? 'none' : formatTable(headers, values.map(row), io.width))),
    say: (line) => { if (!json()) io.err(`${line}\n`); },
  };
  return cli;
}

/** A path with its parameters escaped. */
export const path = (strings: TemplateStringsArray, ...names: string[]): string => String.raw({ raw: strings }, ...names.map(encodeURIComponent));

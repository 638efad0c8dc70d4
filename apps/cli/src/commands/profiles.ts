/** `ironbus profiles …` and `ironbus layers …` */
import { Option, type Command } from 'commander';
import { profileKinds, type Layer, type Profile } from '@ironbus/contracts';
import { CliError } from '../core/errors.ts';
import { formatFields } from '../core/table.ts';
import { describePreview, type Preview } from '../core/preview.ts';
import { readText } from '../shell/client.ts';
import { path, type Cli } from '../shell/context.ts';
import { collect } from './machines.ts';

type Options = { name?: string; kind?: string; architecture?: string[]; kernel?: string; initrd?: string; overlay?: string[]; kernelArguments?: string; snippet?: string[]; template?: string };

export function profileCommands(program: Command, cli: Cli): void {
  const profiles = program.command('profiles').alias('profile').description('Installer profiles: kickstart, preseed, autoinstall, …');
  profiles.command('list').alias('ls').description('All profiles').action(async () =>
    cli.table(await (await cli.client()).get<Profile[]>('/api/v1/profiles'), ['ID', 'KIND', 'ARCH', 'KERNEL', 'NAME'],
      ({ id, kind, architectures, kernel, name }) => [id, kind, architectures.join(','), kernel, name]));
  profiles.command('show <profile>').description('One profile').action(async (id: string) => cli.print(await (await cli.client()).get<Profile>(path`/api/v1/profiles/${id}`), describe));
  settings(profiles.command('add <profile> <template>').description('Add a profile; the template is a Liquid file, - reads standard input'), true)
    .action(async (id: string, template: string, options: Options) =>
      cli.print((await (await cli.client()).call<Profile>('POST', '/api/v1/profiles', { body: { id, ...await bodyOf({ ...options, template }) } })).body, describe));
  settings(profiles.command('set <profile>').description('Change what is given of a profile').option('--template <file>'), false)
    .action(async (id: string, options: Options) => {
      const client = await cli.client();
      const before = await client.get<Profile>(path`/api/v1/profiles/${id}`);
      cli.print((await client.call<Profile>('PUT', path`/api/v1/profiles/${id}`, { body: { ...before, ...await bodyOf(options) } })).body, describe);
    });
  profiles.command('remove <profile>').alias('rm').description('Remove a profile that no machine is being installed by').action(async (id: string) => {
    await (await cli.client()).call('DELETE', path`/api/v1/profiles/${id}`);
    cli.print({ removed: id }, () => `profile ${id} is removed`);
  });
  profiles.command('preview <profile>').description('What a machine would be told; secrets and tokens are left out').requiredOption('--machine <machine>')
    .action(async (id: string, { machine }: { machine: string }) => {
      const { body } = await (await cli.client()).call<Preview>('POST', `${path`/api/v1/profiles/${id}/preview`}?${new URLSearchParams({ machine })}`);
      cli.print(body, describePreview);
      if (body.problems.length > 0) throw new CliError('PROFILE_INVALID', `${body.problems.join('; ')}`);
    });
  layerCommands(program, cli);
}

function settings(command: Command, isNew: boolean): Command {
  const kind = new Option('--kind <kind>').choices(profileKinds);
  return command.addOption(isNew ? kind.makeOptionMandatory() : kind).option('--name <name>')
    .addOption(new Option('--architecture <arch>', 'amd64 unless told; may be repeated').argParser(collect))
    .option('--kernel <file>', 'image:<id>, image:<iso>/<path> or a URL').option('--initrd <file>', 'likewise')
    .option('--overlay <image>', 'a cpio archive (images add --format file) appended to the initrd; may be repeated', collect)
    .option('--kernel-arguments <words>', 'Liquid; what follows --- reaches the installed system (preseed, autoinstall)')
    .option('--snippet <name=file>', 'for {% include %}; may be repeated', collect);
}

async function bodyOf({ name, kind, architecture, kernel, initrd, overlay, kernelArguments, snippet, template }: Options): Promise<Record<string, unknown>> {
  const body = {
    name, kind, architectures: architecture, kernel, initrd, overlays: overlay, kernelArguments,
    snippets: snippet === undefined ? undefined : await filesByName(snippet), template: template === undefined ? undefined : await readText(template),
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

/** `name=file` pairs as name to content. Throws USAGE. */
export async function filesByName(pairs: readonly string[]): Promise<Record<string, string>> {
  const read = pairs.map(async (pair): Promise<[string, string]> => {
    const [, name = '', file = ''] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (name === '') throw new CliError('USAGE', `${JSON.stringify(pair)} is not <name>=<file>`);
    return [name, await readText(file)];
  });
  return Object.fromEntries(await Promise.all(read));
}

const describe = ({ template, snippets, ...profile }: Profile): string =>
  `${formatFields([...Object.entries(profile).map(([name, value]): [string, string | null] => [name, Array.isArray(value) ? value.join(', ') : value]), ['snippets', Object.keys(snippets).join(', ')]])}\n\n${template.trimEnd()}`;

type LayerOptions = { value?: string[]; snippet?: string[]; kernelArguments?: string };

function layerCommands(program: Command, cli: Cli): void {
  const layers = program.command('layers').alias('layer').description('Values, snippets and kernel arguments by scope: global, tag-<tag>, machine-<id>; the later one wins');
  layers.command('list').alias('ls').description('All layers').action(async () =>
    cli.table(await (await cli.client()).get<Layer[]>('/api/v1/layers'), ['ID', 'VALUES', 'SNIPPETS', 'KERNEL ARGUMENTS'],
      ({ id, values, snippets, kernelArguments }) => [id, Object.keys(values).join(','), Object.keys(snippets).join(','), kernelArguments]));
  layers.command('show <layer>').description('One layer').action(async (id: string) => cli.print(await (await cli.client()).get<Layer>(path`/api/v1/layers/${id}`), describeLayer));
  layers.command('set <layer>').description('Set a layer as a whole').option('--value <name=value>', 'may be repeated', collect)
    .option('--snippet <name=file>', 'may be repeated', collect).option('--kernel-arguments <words>')
    .action(async (id: string, { value = [], snippet = [], kernelArguments = '' }: LayerOptions) => {
      const values = Object.fromEntries(value.map((pair) => { const at = pair.indexOf('='); return [pair.slice(0, at), pair.slice(at + 1)]; }));
      cli.print((await (await cli.client()).call<Layer>('PUT', path`/api/v1/layers/${id}`, { body: { values, snippets: await filesByName(snippet), kernelArguments } })).body, describeLayer);
    });
  layers.command('remove <layer>').alias('rm').description('Remove a layer').action(async (id: string) => {
    await (await cli.client()).call('DELETE', path`/api/v1/layers/${id}`);
    cli.print({ removed: id }, () => `layer ${id} is removed`);
  });
}

const describeLayer = ({ id, values, snippets, kernelArguments }: Layer): string =>
  formatFields([['id', id], ['kernel arguments', kernelArguments], ...Object.entries(values).map(([name, value]): [string, string] => [`value ${name}`, String(value)]), ['snippets', Object.keys(snippets).join(', ')]]);

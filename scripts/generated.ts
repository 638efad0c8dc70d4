/** Every file that is drawn from the code: path to content. `npm run check` compares them, `npm run check -- --write` writes them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSpec as apiConfig, manifest as api } from '@ironbus/api';
import { configSpec as bootfilesConfig, manifest as bootfiles } from '@ironbus/bootfiles';
import { asyncapiDocument, catalog, errorsDocument, eventFlowDocument, schemaFiles, type Manifest } from '@ironbus/contracts';
import { bootDocument, configSpec as dhcpConfig, manifest as dhcp } from '@ironbus/dhcp';
import { configSpec as lifecycleConfig, manifest as lifecycle, statesDocument } from '@ironbus/lifecycle';
import { configSpec as powerConfig, manifest as power } from '@ironbus/power';
import { describeConfig } from '@ironbus/runtime';
import { configSpec as tftpConfig, manifest as tftp } from '@ironbus/tftp';
import { dependencyEdges } from './edges.ts';

export const manifests: readonly Manifest[] = [dhcp, tftp, bootfiles, power, lifecycle, api];

const settings: Readonly<Record<string, string>> = {
  api: describeConfig(apiConfig), bootfiles: describeConfig(bootfilesConfig), dhcp: describeConfig(dhcpConfig),
  lifecycle: describeConfig(lifecycleConfig), power: describeConfig(powerConfig), tftp: describeConfig(tftpConfig),
};

/** Types that nobody's manifest publishes: declared, but nothing makes them. */
export const unpublished = (): string[] => catalog.filter((event) => !manifests.some((manifest) => manifest.publishes.includes(event))).map((event) => `${event.type} is in the catalogue, but ${event.owner} does not publish it`);

export function generatedFiles(root: string): Map<string, string> {
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
  const files = new Map<string, string>();
  for (const [name, content] of schemaFiles(catalog)) files.set(`libs/contracts/schemas/${name}`, content);
  files.set('libs/contracts/asyncapi.json', asyncapiDocument(catalog, manifests, version));
  files.set('docs/architecture/event-flow.md', eventFlowDocument(catalog, manifests));
  files.set('docs/architecture/states.md', statesDocument());
  files.set('docs/architecture/boot-decisions.md', bootDocument());
  files.set('docs/errors.md', errorsDocument());
  files.set('docs/architecture/dependency-edges.txt', dependencyEdges(root));
  for (const [service, table] of Object.entries(settings)) {
    const path = `services/${service}/README.md`;
    files.set(path, withSettings(path, readFileSync(join(root, path), 'utf8'), table));
  }
  return files;
}

/** The README with that table between its marks; throws where it has none. */
function withSettings(path: string, readme: string, table: string): string {
  const [head, tail] = ['<!-- settings -->\n', '<!-- /settings -->'];
  const [from, to] = [readme.indexOf(head), readme.indexOf(tail)];
  if (from < 0 || to < from) throw new Error(`${path} has no place for the table of settings: a line ${head.trim()} and a line ${tail}`);
  return readme.slice(0, from) + head + table + readme.slice(to);
}

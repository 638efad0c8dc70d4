/** Every file that is drawn from the code: path to content. `npm run check` compares them, `npm run check -- --write` writes them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest as api } from '@ironbus/api';
import { manifest as bootfiles } from '@ironbus/bootfiles';
import { asyncapiDocument, catalog, errorsDocument, eventFlowDocument, schemaFiles, type Manifest } from '@ironbus/contracts';
import { bootDocument, manifest as dhcp } from '@ironbus/dhcp';
import { manifest as lifecycle, statesDocument } from '@ironbus/lifecycle';
import { manifest as power } from '@ironbus/power';
import { manifest as tftp } from '@ironbus/tftp';
import { dependencyEdges } from './edges.ts';

export const manifests: readonly Manifest[] = [dhcp, tftp, bootfiles, power, lifecycle, api];

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
  return files;
}

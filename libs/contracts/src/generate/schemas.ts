/** One JSON Schema file per event type, with the envelope's in envelope.json. */
import type { TSchema } from 'typebox';
import type { EventDefinition } from '../define-event.ts';
import { Envelope } from '../envelope.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const dialect = 'https://json-schema.org/draft/2020-12/schema';

/** File name to content, for libs/contracts/schemas/. */
export function schemaFiles(catalog: readonly EventDefinition[]): Map<string, string> {
  const files = new Map([['envelope.json', json(document('Envelope', 'CloudEvents 1.0 with the extensions of Ironbus', Envelope))]]);
  for (const event of catalog) files.set(`${event.type}.json`, json(document(event.type, event.doc, event.data)));
  return files;
}

const document = (title: string, description: string, schema: TSchema): object => ({ $schema: dialect, title, description, ...schema });

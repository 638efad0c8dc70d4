/** cloud-init’s own JSON Schema of a cloud-config: which problems of it are worth telling, and in which line they are. Pure. */
import { Ajv, type ErrorObject } from 'ajv';
import { isNode, type Document, type LineCounter } from 'yaml';

export type SchemaProblem = { path: string[]; message: string };
export type SchemaCheck = (config: unknown) => SchemaProblem[];

const mostTold = 10;

/** Throws where the schema is none. It is of draft 4, whose few differences cloud-init does not use; its own keywords (`deprecated…`) say nothing here. */
export function compileSchema({ $schema: _draft, ...schema }: Record<string, unknown>): SchemaCheck {
  const validate = new Ajv({ strict: false, validateSchema: false, allErrors: true, validateFormats: false, logger: false }).compile(schema);
  return (config) => validate(config) ? [] : worthTelling(validate.errors ?? []);
}

/** Of alternatives that all failed, each says why; the innermost are what the owner wrote wrong, told once for each place. */
function worthTelling(errors: readonly ErrorObject[]): SchemaProblem[] {
  const inner = errors.filter(({ instancePath }) => !errors.some((other) => other.instancePath.startsWith(`${instancePath}/`)));
  const places = Map.groupBy(inner, ({ instancePath }) => instancePath);
  return [...places].slice(0, mostTold).map(([place, all]) => {
    const said = all.filter(({ keyword }) => !['anyOf', 'oneOf', 'allOf', 'if'].includes(keyword)).map(({ message, params }) => `${message ?? 'is not valid'}${detail(params)}`);
    const path = place.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    return { path, message: `${path.join('.') || 'the cloud-config'} ${[...new Set(said)].join(', or ') || 'is not what cloud-init takes'}` };
  });
}

function detail(params: Record<string, unknown>): string {
  const { additionalProperty, allowedValues } = params;
  if (additionalProperty !== undefined) return ` (${String(additionalProperty)})`;
  return allowedValues === undefined ? '' : ` (${JSON.stringify(allowedValues)})`;
}

/** The lines that the problems are in. */
export const linesOf = (document: Document, lineCounter: LineCounter, problems: readonly SchemaProblem[]): { line: number; message: string }[] =>
  problems.map(({ path, message }) => ({ line: lineOf(document, lineCounter, path), message: `cloud-init would ignore or refuse it: ${message}` }));

function lineOf(document: Document, lineCounter: LineCounter, path: readonly string[]): number {
  const keys = path.map((part) => /^\d+$/.test(part) ? Number(part) : part);
  const node: unknown = document.getIn(keys, true);
  const start = isNode(node) ? node.range?.[0] : undefined;
  return start === undefined ? 1 : lineCounter.linePos(start).line;
}

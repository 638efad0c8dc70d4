/** Settings and their violations as text for people. Pure. */
import type { ConfigSpec, ConfigViolation, NamedField } from './config.ts';
import { describeShape, formatValue } from './config-text.ts';

/** A Markdown table of every setting, for a service's README. */
export function describeConfig<C>(spec: ConfigSpec<C>): string {
  const rows = spec.named.map((field) => `| \`${field.name}\` | ${describeDefault(field)} | ${cell(describeShape(field.schema))} | ${cell(describeDoc(field))} |`);
  return ['| variable | default | value | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** One paragraph per violation: what was given, what is expected, what to do. */
export function formatViolations<C>(spec: ConfigSpec<C>, violations: readonly ConfigViolation[]): string {
  const head = `${spec.service}: CONFIG_INVALID: ${violations.length} setting${violations.length === 1 ? ' is' : 's are'} not valid`;
  const body = violations.map((violation) =>
    `  ${violation.env}\n    given:    ${violation.given ?? '(not set)'}\n    expected: ${violation.expected}\n    remedy:   ${violation.remedy}`);
  return [head, ...body, ''].join('\n');
}

function describeDefault(field: NamedField): string {
  if (field.defaultDoc !== undefined) return cell(field.defaultDoc);
  if (field.default !== undefined) return code(formatValue(field.schema, field.default));
  return field.optional === true ? 'not set' : 'required';
}

const describeDoc = (field: NamedField): string =>
  field.secret === undefined ? field.doc : `${field.doc} Secret: may be given as a file by \`${field.name}_FILE\`.`;

const code = (text: string): string => text === '' ? 'empty' : `\`${cell(text)}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

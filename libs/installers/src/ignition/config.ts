/**
 * The text that a machine’s Ignition fetches, from what a template rendered: Ignition JSON as it is once it was judged, or Butane
 * translated. Lines are of the rendered text. Pure.
 */
import { yaml } from '../parsers.ts';
import { holdsStandIn } from '../stand-ins.ts';
import { maxRenderedBytes, type Problem, type Rendered } from '../template.ts';
import { translateButane } from './butane.ts';
import { readMap, type How, type Source } from './read.ts';
import { judgeAll, newJudge } from './rules.ts';
import { config as configShape, newestSpec } from './schema.ts';

export function ignitionFrom(text: string): Rendered {
  if (text.trimStart().startsWith('{') && !saysVariant(text)) return firstOf(judgeJson(text), text) ?? { ok: true, text };
  const source = parse(text);
  if (!yaml().isMap(source.document.contents) && source.document.errors.length === 0) {
    return refused(1, 'this is neither Ignition nor Butane: Ignition is JSON and begins with "{", Butane begins with "variant: fcos" and "version: 1.5.0"');
  }
  const wrong = firstOf(parserProblems(source, 'YAML'), text);
  if (wrong !== undefined) return wrong;
  const translated = translateButane(source, judgeJson);
  return translated.ok ? written(translated.config) : firstOf(translated.problems, text) as Rendered;
}

function written(config: object): Rendered {
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxRenderedBytes) return { ok: true, text };
  return { ok: false, problem: { message: `the Ignition that this Butane makes has ${bytes} bytes, at most ${maxRenderedBytes} are served: let the machine fetch large parts by "source"` } };
}

/** Ignition JSON: syntax, spec version, keys, types and what Ignition would refuse of the values. */
export function judgeJson(text: string): Problem[] {
  const syntax = jsonProblem(text);
  if (syntax !== undefined) return [syntax];
  const source = parse(text);
  const wrong = parserProblems(source, 'JSON');
  if (wrong.length > 0) return wrong;
  const version: unknown = source.document.getIn(['ignition', 'version']);
  const spec = typeof version === 'string' ? Number(/^3\.(\d+)\.0$/.exec(version)?.[1] ?? newestSpec + 1) : undefined;
  if (spec === undefined) return [at(1, 'an Ignition configuration says its version, as a text: { "ignition": { "version": "3.4.0" } }')];
  if (spec > newestSpec) {
    const node = source.document.getIn(['ignition', 'version'], true) as { range?: [number, number, number] };
    return [at(source.lines.linePos(node.range?.[0] ?? 0).line, `there is no spec version ${JSON.stringify(version)} here: there are 3.0.0 to 3.${newestSpec}.0`)];
  }
  const how: How = { title: `spec 3.${spec}.0`, spec, butane: false, without: [], cameWith: (_key, { since = 0 }) => `spec 3.${since}.0: write that version` };
  const { value, places, problems } = readMap(source, configShape, how);
  if (problems.length > 0) return problems;
  const judge = newJudge({ spec, butane: false, places });
  judgeAll(value, configShape, judge);
  return judge.problems;
}

const at = (line: number, message: string): Problem => ({ line, message, rendered: true });
const refused = (line: number, message: string): Rendered => ({ ok: false, problem: at(line, message) });

/** The first in the text, of those that no stand-in made where there is one. */
function firstOf(problems: readonly Problem[], text: string): Rendered | undefined {
  const lines = text.split('\n');
  const late = ({ line }: Problem): number => line !== undefined && holdsStandIn(lines[line - 1] ?? '') ? lines.length : 0;
  const problem = [...problems].sort((a, b) => (a.line ?? 0) + late(a) - (b.line ?? 0) - late(b))[0];
  return problem === undefined ? undefined : { ok: false, problem };
}

/** JSON is YAML too; everything in a document has a line. */
function parse(text: string): Source {
  const lines = new (yaml().LineCounter)();
  return { document: yaml().parseDocument(text, { lineCounter: lines }), lines };
}

const parserProblems = ({ document }: Source, language: string): Problem[] =>
  [...document.errors, ...document.warnings].map((error) => at(error.linePos?.[0].line ?? 1, `not ${language}: ${error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '')}`));

/** Butane may be written in braces. */
const saysVariant = (text: string): boolean => text.includes('variant') && jsonLike(text)?.has('variant') === true;
const jsonLike = (text: string) => {
  const { contents } = parse(text).document;
  return yaml().isMap(contents) ? contents : undefined;
};

function jsonProblem(text: string): Problem | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const { message } = error as SyntaxError;
    return at(Number(/line (\d+)/.exec(message)?.[1] ?? text.split('\n').length), `not JSON: ${message}`);
  }
}

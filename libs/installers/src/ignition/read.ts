/**
 * A map of YAML or JSON read by a shape: every key known, every value of its type, or a problem with its line. What comes out has
 * Ignition’s names. Types are read as Butane’s YAML library does: 0644 is octal, and a number is a text where a text is wanted.
 */
import { nearest } from '@ironbus/contracts';
import type { Document, LineCounter, Node, Pair, Scalar, YAMLMap } from 'yaml';
import { yaml } from '../parsers.ts';
import { maxRenderedBytes, type Problem } from '../template.ts';
import { newPlaces, type Places } from './places.ts';
import { ofSpec, snake, type Field, type Shape } from './schema.ts';

export type How = {
  /** `fcos 1.5.0` or `spec 3.4.0` */
  title: string;
  spec: number; butane: boolean;
  /** Keys that this version lacks although its spec version has them. */
  without: readonly string[];
  /** The version that brought a key which this one lacks. */
  cameWith: (key: string, field: Field) => string | undefined;
};
export type Source = { document: Document; lines: LineCounter };
export type Fields = Record<string, unknown>;
export type Read = { value: Fields; places: Places; problems: Problem[] };
type Context = Source & { how: How; places: Places; problems: Problem[]; left: number };

/** Aliases may say a text again and again. */
const maxRead = 4 * maxRenderedBytes;
const tags = ['tag:yaml.org,2002:str', 'tag:yaml.org,2002:int', 'tag:yaml.org,2002:bool', 'tag:yaml.org,2002:null', 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq'];

export function readMap(source: Source, shape: Shape, how: How): Read {
  const context: Context = { ...source, how, places: newPlaces(), problems: [], left: maxRead };
  const value = source.document.contents === null ? undefined : readOne(context, source.document.contents as Node, { of: shape, path: '' });
  return { value: (value ?? {}) as Fields, places: context.places, problems: context.problems };
}

type Wanted = { of: Field['of']; path: string };
const wantedText = (of: Field['of']): string => of === 'text' ? 'a text' : of === 'number' ? 'a whole number' : of === 'flag' ? 'true or false' : 'a map';

/** Undefined for null, and for what is a problem. */
function readOne(context: Context, given: Node | null, wanted: Wanted): unknown {
  const node = resolve(context, given);
  if (node === undefined) return undefined;
  const { isMap, isScalar } = yaml();
  if (typeof wanted.of !== 'string') {
    if (isMap(node)) return readFields(context, node, { ...wanted, of: wanted.of });
    if (isScalar(node) && node.value === null) return undefined;
    return problem(context, node, `${wanted.path || 'the configuration'} is ${kindOf(node)}, a map is wanted`);
  }
  if (!isScalar(node)) return problem(context, node, `${wanted.path} is ${kindOf(node)}, ${wantedText(wanted.of)} is wanted`);
  if (node.value === null) return undefined;
  const value = scalars[wanted.of](node, context.how.butane);
  return value ?? problem(context, node, `${wanted.path} is ${kindOf(node)}, ${wantedText(wanted.of)} is wanted${hint(node, wanted.of)}`);
}

function resolve(context: Context, given: Node | null): Node | undefined {
  const alias = given !== null && yaml().isAlias(given) ? given : undefined;
  const node = alias === undefined ? given : alias.resolve(context.document);
  if (alias !== undefined && node === undefined) return problem(context, alias, `nothing before this is called &${alias.source}: write "&${alias.source}" before what is meant`);
  if (node === null || node === undefined || context.left < 0) return undefined;
  context.left -= 8 + (yaml().isScalar(node) ? (node.source ?? '').length : 0);
  if (context.left < 0) return problem(context, given as Node, `aliases make more than ${maxRead} bytes of this: serve large parts by URL`);
  const { tag } = node as { tag?: string };
  if (tag !== undefined && !tags.includes(tag)) return problem(context, node, `there is no use for the tag ${tag} here: write the value plainly; bytes go into "source" as data:;base64,…`);
  return node;
}

function readFields(context: Context, map: YAMLMap, { of: shape, path }: Wanted & { of: Shape }): Fields {
  const value: Fields = {};
  context.places.note(value, '', lineOf(context, map));
  const known = keysOf(shape, context.how);
  for (const { key, value: node } of map.items as Pair<Node, Node | null>[]) {
    const name = yaml().isScalar(key) ? textOf(key) : '';
    const [own, field] = known.get(name) ?? [];
    if (own === undefined || field === undefined) problem(context, key, unknownKey(name, { shape, path, how: context.how }));
    else if (field.refused !== undefined) problem(context, key, `"${name}" can not be done here: ${field.refused}`);
    else {
      const at = path === '' ? name : `${path}.${name}`;
      const of = ofSpec(field, context.how.spec);
      const read = field.list === true ? readList(context, node, { of, path: at }) : readOne(context, node, { of, path: at });
      context.places.note(value, own, lineOf(context, key));
      if (read !== undefined) value[own] = read;
    }
  }
  return value;
}

function readList(context: Context, given: Node | null, { of, path }: Wanted): unknown[] | undefined {
  const node = resolve(context, given);
  if (node === undefined || (yaml().isScalar(node) && node.value === null)) return undefined;
  if (!yaml().isSeq(node)) return problem(context, node, `${path} is ${kindOf(node)}, a list is wanted: begin its entries with "- "`);
  const list: unknown[] = [];
  context.places.note(list, '', lineOf(context, node));
  (node.items as (Node | null)[]).forEach((item, index) => {
    const read = readOne(context, item, { of, path: `${path}[${index}]` });
    if (item !== null) context.places.note(list, list.length, lineOf(context, item));
    if (read !== undefined) list.push(read);
  });
  return list;
}

/** As written by people: own name and field. */
function keysOf(shape: Shape, how: How): ReadonlyMap<string, [string, Field]> {
  const has = ([key, field]: [string, Field]): boolean => (field.since ?? 0) <= how.spec && !how.without.includes(key) && (how.butane || field.sugar !== true);
  return new Map(Object.entries(shape.fields).filter(has).map(([key, field]) => [how.butane ? snake(key) : key, [key, field]]));
}

function unknownKey(name: string, { shape, path, how }: { shape: Shape; path: string; how: How }): string {
  const where = `${path === '' ? 'at the top' : `in ${path}`} of ${how.title}`;
  const [own, field] = Object.entries(shape.fields).find(([key]) => key === name || snake(key) === name) ?? [];
  const known = [...keysOf(shape, how).keys()];
  if (name === '<<') return `"<<" ${where} is no key of Butane’s: write the keys out, or render them with a snippet of the profile`;
  if (own !== undefined && field !== undefined) {
    const written = how.butane ? snake(own) : own;
    if (known.includes(written)) return `there is no ${JSON.stringify(name)} ${where}: write ${JSON.stringify(written)}`;
    if (!how.butane && field.sugar === true) return `${JSON.stringify(name)} ${where} is Butane’s, and Ignition would ignore it: write the whole as Butane, which begins with variant and version`;
    const came = how.cameWith(own, field);
    return `there is no ${JSON.stringify(name)} ${where}: ${came === undefined ? 'no version of it has that' : `it came with ${came}`}`;
  }
  const meant = nearest(name, known);
  return `there is no ${JSON.stringify(name)} ${where}: ${meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`}`;
}

const plain = (node: Scalar): boolean => node.type === undefined || node.type === 'PLAIN';
const textOf = (node: Scalar): string => typeof node.value === 'string' ? node.value : node.source ?? String(node.value);
const yes = ['true', 'True', 'TRUE', 'y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'];
const no = ['false', 'False', 'FALSE', 'n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'];

/** yaml.v3, “decode.go” and “resolve.go”: what a scalar is depends on what is wanted. */
const scalars: Record<Exclude<Field['of'], Shape>, (node: Scalar, butane: boolean) => string | number | boolean | undefined> = {
  text: (node, butane) => butane || typeof node.value === 'string' ? textOf(node) : undefined,
  number: (node, butane) => !plain(node) ? undefined : butane ? integer(textOf(node)) : Number.isSafeInteger(node.value) ? node.value as number : undefined,
  flag: (node, butane) => {
    if (typeof node.value === 'boolean') return node.value;
    if (!butane || !plain(node)) return undefined;
    return yes.includes(textOf(node)) ? true : no.includes(textOf(node)) ? false : undefined;
  },
};

function integer(text: string): number | undefined {
  const [, sign, octal, other] = /^([-+]?)(?:0o?([0-7_]+)|(0x[0-9a-f_]+|0b[01_]+|0|[1-9][0-9_]*))$/i.exec(text) ?? [];
  if (octal === undefined && other === undefined) return undefined;
  const value = octal === undefined ? Number((other ?? '').replaceAll('_', '')) : Number.parseInt(octal.replaceAll('_', ''), 8);
  return Number.isSafeInteger(value) ? (sign === '-' ? -value : value) : undefined;
}

function hint(node: Scalar, wanted: string): string {
  if (wanted === 'number' && !plain(node)) return ': write it without quotes';
  if (wanted === 'flag' && !plain(node)) return ': write it without quotes';
  return wanted === 'number' && /^0[0-9]+$/.test(textOf(node)) ? ': a number that begins with 0 is octal and has no 8 and no 9' : '';
}

function kindOf(node: Node): string {
  if (yaml().isMap(node)) return 'a map';
  if (yaml().isSeq(node)) return 'a list';
  return yaml().isScalar(node) ? JSON.stringify(textOf(node).slice(0, 40)) : 'an alias';
}

const lineOf = ({ lines }: Source, { range }: Node): number => lines.linePos(range?.[0] ?? 0).line;

function problem(context: Context, node: Node, message: string): undefined {
  context.problems.push({ line: lineOf(context, node), message, rendered: true });
  return undefined;
}

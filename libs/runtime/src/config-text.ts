/** From the text of an environment variable to a value of its schema, and from a schema to words. Pure. */
import type { TSchema } from 'typebox';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

/** The part of JSON Schema that settings use. */
type Shape = {
  type?: string; const?: unknown; enum?: unknown[]; anyOf?: Shape[]; items?: Shape; description?: string; pattern?: string;
  minimum?: number; maximum?: number; minLength?: number; maxLength?: number; minItems?: number; unit?: Unit;
};
type Unit = 'ms' | 's';
const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

type Range = { minimum?: number; maximum?: number };
/** A duration in whole seconds: `90`, `90s`, `5m`, `1h`, `7d`. */
export const DurationInSeconds = (range: Range = {}) => Type.Integer({ minimum: 0, ...range, unit: 's' as const });
/** A duration in milliseconds: `250`, `250ms`, `5s`, `1m`. */
export const DurationInMs = (range: Range = {}) => Type.Integer({ minimum: 0, ...range, unit: 'ms' as const });
export const PortNumber = Type.Integer({ minimum: 0, maximum: 65_535 });
/** One of a few words. */
export const OneOf = <const T extends readonly string[]>(words: T) => Type.Union(words.map((word) => Type.Literal(word as T[number])));

export type Coerced = { ok: true; value: unknown } | { ok: false; expected: string };

/** Reads `text` as the schema asks and checks the result. Lists are comma-separated or a JSON array, objects JSON. */
export function coerce(schema: TSchema, text: string): Coerced {
  const shape = schema as Shape;
  const value = read(shape, text);
  if (value !== undefined && Value.Check(schema, value)) return { ok: true, value };
  return { ok: false, expected: describeShape(shape) + detail(schema, shape, value) };
}

/** What a person has to write, in words. A schema's `description` is taken as it is. */
export function describeShape(shape: Shape): string {
  if (shape.description !== undefined) return shape.description;
  if (shape.anyOf !== undefined) return `one of ${shape.anyOf.map((option) => String(option.const ?? describeShape(option))).join(', ')}`;
  if (shape.const !== undefined) return String(shape.const);
  switch (shape.type) {
    case 'integer': return shape.unit === undefined ? `an integer${describeRange(shape, String)}` : describeDuration(shape, shape.unit);
    case 'number': return `a number${describeRange(shape, String)}`;
    case 'boolean': return 'true or false';
    case 'array': return `a comma-separated list; each: ${describeShape(shape.items ?? {})}`;
    case 'string': return shape.pattern === undefined ? `text${describeLength(shape)}` : `text like ${shape.pattern}`;
    default: return 'JSON';
  }
}

/** A default as a person would write it into the environment. */
export function formatValue(schema: TSchema, value: unknown): string {
  const { unit } = schema as Shape;
  if (unit !== undefined && typeof value === 'number') return formatDuration(value, unit);
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? value.join(',') : JSON.stringify(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function read(shape: Shape, text: string): unknown {
  if (shape.anyOf !== undefined) return readUnion(shape.anyOf, text);
  if (shape.const !== undefined) return String(shape.const) === text ? shape.const : undefined;
  switch (shape.type) {
    case 'integer': return shape.unit === undefined ? readNumber(text, /^[+-]?\d+$/) : readDuration(text, shape.unit);
    case 'number': return readNumber(text, /^[+-]?\d+(\.\d+)?$/);
    case 'boolean': return readBoolean(text);
    case 'array': return readList(shape.items ?? {}, text);
    case 'string': return text;
    default: return readJson(text);
  }
}

function readUnion(options: readonly Shape[], text: string): unknown {
  for (const option of options) {
    const value = read(option, text);
    if (value !== undefined && Value.Check(option as TSchema, value)) return value;
  }
  return undefined;
}

function readNumber(text: string, pattern: RegExp): number | undefined {
  const value = Number(text);
  return pattern.test(text) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function readDuration(text: string, unit: Unit): number | undefined {
  const match = /^(\d+)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * (unitMs[match[2] ?? unit] ?? Number.NaN);
  const value = ms / (unitMs[unit] ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}

function readBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  return ['false', '0', 'no', 'off'].includes(word) ? false : undefined;
}

function readList(items: Shape, text: string): unknown {
  if (text.startsWith('[')) return readJson(text);
  const parts = text.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part) => read(items, part));
  return parts.includes(undefined) ? undefined : parts;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where a structured value went wrong; a plain one says it all in `expected`. */
function detail(schema: TSchema, shape: Shape, value: unknown): string {
  if (typeof value !== 'object' || value === null) return shape.type === 'object' && value === undefined ? ' (this is not JSON)' : '';
  const first = Value.Errors(schema, value)[0];
  return first === undefined ? '' : ` (${first.instancePath || '/'} ${first.message})`;
}

function describeRange({ minimum, maximum }: Shape, format: (value: number) => string): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${format(minimum)} to ${format(maximum)}`;
  if (minimum !== undefined) return `, at least ${format(minimum)}`;
  return maximum === undefined ? '' : `, at most ${format(maximum)}`;
}

const describeLength = ({ minLength, maxLength }: Shape): string =>
  describeRange({ ...(minLength !== undefined && { minimum: minLength }), ...(maxLength !== undefined && { maximum: maxLength }) }, (n) => `${n} characters`);

const describeDuration = (shape: Shape, unit: Unit): string =>
  `a duration such as 500ms, 30s, 5m or 1h (a bare number is ${unit === 's' ? 'seconds' : 'milliseconds'})${describeRange(shape, (n) => formatDuration(n, unit))}`;

function formatDuration(value: number, unit: Unit): string {
  const ms = value * (unitMs[unit] ?? 1);
  const best = ['d', 'h', 'm', 's'].find((name) => ms > 0 && ms % (unitMs[name] ?? 1) === 0) ?? unit;
  return `${ms / (unitMs[best] ?? 1)}${best}`;
}

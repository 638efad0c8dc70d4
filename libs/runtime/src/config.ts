/**
 * A service's settings: declared once as data, read from the environment into one frozen object, documented from the
 * same declaration. All violations are reported at once; an empty variable counts as not set (compose passes those).
 */
import { readFileSync } from 'node:fs';
import { nearest } from '@ironbus/contracts';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { commonFields, type CommonFields } from './common-config.ts';
import { coerce, describeShape } from './config-text.ts';
import { redacted, redactUrl } from './logger.ts';

export type Field<S extends TSchema = TSchema> = {
  /** Without the prefix. */
  env: string;
  schema: S;
  doc: string;
  /** A value, or how to find it on this machine; `defaultDoc` then says so in words. */
  default?: unknown;
  defaultDoc?: string;
  /** May be left out; the setting is then `undefined`. A field with neither `default` nor `optional` is required. */
  optional?: true;
  /** Never shown, and readable from a file named by `<NAME>_FILE`. `userinfo`: only the user and password of a URL are hidden. */
  secret?: true | 'userinfo';
};
export type Fields = Record<string, Field>;
type Settings<F extends Fields> = { readonly [K in keyof F]: F[K] extends { optional: true } ? Static<F[K]['schema']> | undefined : Static<F[K]['schema']> };

type Declared<F extends Fields, Shared extends keyof CommonFields> = {
  /** The service's name in logs; by default the prefix in lower case. */
  service?: string;
  prefix: string;
  shared?: readonly Shared[];
  fields: F;
  /** Rules between settings; `env` is the full name. */
  check?: (config: Settings<F> & Settings<Pick<CommonFields, Shared>>) => readonly ConfigViolation[];
};
/** A field under its full variable name. */
export type NamedField = Field & { name: string; setting: string };
export type ConfigSpec<C = Record<string, unknown>> = {
  readonly service: string;
  readonly prefix: string;
  readonly named: readonly NamedField[];
  readonly check: (config: C) => readonly ConfigViolation[];
};
export type ConfigOf<S> = S extends ConfigSpec<infer C> ? C : never;
export type ConfigViolation = { env: string; given: string | undefined; expected: string; remedy: string };
export type Environment = Record<string, string | undefined>;

/** Declares the settings of one service. Throws where a default violates its own schema or two settings share a name. */
export function defineConfig<const F extends Fields, const Shared extends keyof CommonFields = never>(
  declared: Declared<F, Shared>,
): ConfigSpec<Settings<F> & Settings<Pick<CommonFields, Shared>>> {
  const { prefix, shared = [], fields } = declared;
  const common = shared.filter((setting) => !(setting in fields)).map((setting) => nameCommon(prefix, setting));
  const own = Object.entries(fields).map(([setting, field]): NamedField => ({ ...field, setting, name: prefix + field.env }));
  const named = [...own, ...common];
  if (new Set(named.map((field) => field.name)).size !== named.length) throw new Error(`${prefix}: two settings share one variable`);
  for (const field of named) assertDefault(field);
  return Object.freeze({ service: declared.service ?? prefix.toLowerCase().replace(/_+$/, ''), prefix, named, check: declared.check ?? (() => []) });
}

function nameCommon(prefix: string, setting: keyof CommonFields): NamedField {
  const { prefixed, ...field }: Field & { prefixed?: true } = commonFields[setting];
  return { ...field, setting, name: prefixed === true ? prefix + field.env : field.env };
}

function assertDefault(field: NamedField): void {
  if (field.default === undefined || typeof field.default === 'function') return;
  if (!Value.Check(field.schema, field.default)) throw new Error(`${field.name}: the default is not ${describeShape(field.schema)}`);
}

type Reader = (path: string) => string;

/** Reads every setting. Reports all violations at once, among them unknown variables with the service's prefix. */
export function readConfig<C>(spec: ConfigSpec<C>, env: Environment, readFile: Reader = (path) => readFileSync(path, 'utf8')):
  { ok: true; config: C } | { ok: false; violations: ConfigViolation[] } {
  const violations = findUnknown(spec, env);
  const config: Record<string, unknown> = {};
  for (const field of spec.named) {
    const read = readField(field, env, readFile);
    if (read.ok) config[field.setting] = read.value;
    else violations.push(read.violation);
  }
  if (violations.length === 0) violations.push(...spec.check(config as C));
  return violations.length > 0 ? { ok: false, violations } : { ok: true, config: Object.freeze(config) as C };
}

type Read = { ok: true; value: unknown } | { ok: false; violation: ConfigViolation };

function readField(field: NamedField, env: Environment, readFile: Reader): Read {
  const expected = describeShape(field.schema);
  const text = readText(field, env, readFile);
  if (!text.ok) return { ok: false, violation: { env: text.env, given: text.given, expected: text.expected, remedy: text.remedy } };
  if (text.value === undefined) {
    const fallback: unknown = typeof field.default === 'function' ? field.default() : field.default;
    if (fallback !== undefined || field.optional === true) return { ok: true, value: fallback };
    return { ok: false, violation: { env: field.name, given: undefined, expected, remedy: `set ${field.name}: ${field.doc}` } };
  }
  const coerced = coerce(field.schema, text.value);
  if (coerced.ok) return { ok: true, value: coerced.value };
  return { ok: false, violation: { env: text.env, given: show(field, text.value), expected: coerced.expected, remedy: `change ${text.env}, or remove it${field.default === undefined ? '' : ' to get the default'}` } };
}

type Text = { ok: true; env: string; value: string | undefined } | ({ ok: false } & ConfigViolation);

/** The raw text: from the variable, or for a secret from the file that `<NAME>_FILE` names (one trailing newline is dropped). */
function readText(field: NamedField, env: Environment, readFile: Reader): Text {
  const value = env[field.name] === '' ? undefined : env[field.name]?.trim();
  const fileEnv = `${field.name}_FILE`;
  const path = field.secret === undefined ? '' : (env[fileEnv] ?? '');
  if (path === '') return { ok: true, env: field.name, value };
  if (value !== undefined) {
    return { ok: false, env: fileEnv, given: path, expected: `either ${field.name} or ${fileEnv}`, remedy: `remove one of the two` };
  }
  try {
    return { ok: true, env: fileEnv, value: readFile(path).replace(/\r?\n$/, '') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return { ok: false, env: fileEnv, given: path, expected: 'a file that this process can read', remedy: `${code}: create the file or correct the path` };
  }
}

function findUnknown<C>(spec: ConfigSpec<C>, env: Environment): ConfigViolation[] {
  const known = spec.named.flatMap((field) => field.secret === undefined ? [field.name] : [field.name, `${field.name}_FILE`]);
  const unknown = Object.keys(env).filter((name) => name.startsWith(spec.prefix) && !known.includes(name));
  return unknown.sort().map((name) => {
    const meant = nearest(name, known);
    return {
      env: name, given: '(not shown)', expected: `a setting of ${spec.service}`,
      remedy: meant === undefined ? `remove ${name}; known are ${known.join(', ')}` : `did you mean ${meant}?`,
    };
  });
}

const show = (field: NamedField, text: string): string =>
  field.secret === true ? redacted : redactUrl(text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** The configuration as it may be logged. */
export function redactConfig<C>(spec: ConfigSpec<C>, config: C): Record<string, unknown> {
  const values = config as Record<string, unknown>;
  return Object.fromEntries(spec.named.map((field) => [field.setting, hide(field, values[field.setting])]));
}

function hide(field: NamedField, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (field.secret === true) return redacted;
  if (typeof value === 'string') return redactUrl(value);
  return Array.isArray(value) ? value.map((item) => typeof item === 'string' ? redactUrl(item) : item) : value;
}

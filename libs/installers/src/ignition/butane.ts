/**
 * Butane to Ignition, as `butane --strict` translates it: what that warns of is refused here. Not Butane’s files directory: what a
 * text names of it is refused with what to write instead. Variants and versions are in schema.ts, sugar in sugar.ts. Pure.
 */
import type { Problem } from '../template.ts';
import { judgeButane, judgePartitions, judgeResource } from './butane-rules.ts';
import { dataUrl } from './data-url.ts';
import { merge } from './merge.ts';
import type { Places } from './places.ts';
import { readMap, type Fields, type How, type Source } from './read.ts';
import { judgeAll, newJudge, type Judge } from './rules.ts';
import { butanes, config as configShape, ofSpec, resource, type Butane, type Config, type Field, type Shape } from './schema.ts';
import { bootDisk, grubUsers, mountUnits, placeSugar } from './sugar.ts';

export type Translated = { ok: true; config: Config } | { ok: false; problems: Problem[] };
/** Judges a configuration that stands in another one. */
export type JudgeInner = (text: string) => Problem[];

export function translateButane(source: Source, judgeInner: JudgeInner): Translated {
  const chosen = chooseVersion(source);
  if ('message' in chosen) return { ok: false, problems: [chosen] };
  const { variant, shape, how } = chosen;
  const { value, places, problems } = readMap(source, shape, how);
  if (problems.length > 0) return { ok: false, problems };
  const butane = value as Butane;
  const judge = newJudge({ spec: how.spec, butane: true, places });
  judgeButane(butane, variant, judge);
  judgeInnerConfigs(butane, judge, judgeInner);
  // What Butane refuses can not be translated; what Ignition refuses is seen in the translation.
  const made = judge.problems.length > 0 ? undefined : desugar(butane, { shape, how, places, judge });
  if (made === undefined || judge.problems.length > 0) return { ok: false, problems: judge.problems };
  judgeAll(made as Fields, configShape, judge);
  if (variant === 'fcos') judgePartitions(made, judge, { bootDevices: how.spec >= 2 && !how.without.includes('bootDevice') });
  return judge.problems.length > 0 ? { ok: false, problems: judge.problems } : { ok: true, config: pruned(made) as Config };
}

type Chosen = { variant: string; shape: Shape; how: How };

function chooseVersion({ document, lines }: Source): Chosen | Problem {
  const [variant, version] = ['variant', 'version'].map((key) => document.get(key));
  const at = (key: string): { rendered: true; line: number } => {
    const node = document.get(key, true) as { range?: [number, number, number] } | undefined;
    return { rendered: true, line: lines.linePos(node?.range?.[0] ?? 0).line };
  };
  const versions = typeof variant === 'string' && Object.hasOwn(butanes, variant) ? butanes[variant] : undefined;
  if (typeof variant !== 'string' || versions === undefined) {
    const known = Object.keys(butanes).join(' and ');
    return { ...at('variant'), message: variant === undefined ? `Butane says which it is: write "variant: fcos" or "variant: flatcar"` : `there is no translation for variant ${JSON.stringify(variant)}: there are ${known}; for another one translate it with butane, and use what that prints as the template` };
  }
  const row = typeof version === 'string' && Object.hasOwn(versions, version) ? versions[version] : undefined;
  if (row === undefined) {
    const remedy = `write one of ${Object.keys(versions).join(', ')}`;
    return { ...at('version'), message: version === undefined ? `there is no version: ${remedy}` : `there is no version ${JSON.stringify(version)} of ${variant}: ${remedy}` };
  }
  const { shape, spec, without = [] } = row;
  const cameWith = (key: string, { since = 0 }: Field): string | undefined => {
    const later = Object.entries(versions).find(([, one]) => one.spec >= since && one.without?.includes(key) !== true && Object.hasOwn(one.shape.fields, key) === Object.hasOwn(shape.fields, key));
    return later === undefined ? undefined : `${variant} ${later[0]}: write "version: ${later[0]}"`;
  };
  return { variant, shape, how: { title: `${variant} ${version as string}`, spec, butane: true, without, cameWith } };
}

/** `ignition.config` names other configurations; Butane looks at those that stand in the text. */
function judgeInnerConfigs({ ignition = {} }: Butane, judge: Judge, judgeInner: JudgeInner): void {
  const { merge: merged = [], replace } = ignition.config ?? {};
  for (const one of [...merged, ...(replace === undefined ? [] : [replace])]) {
    const [problem] = one.inline === undefined ? [] : judgeInner(one.inline);
    if (problem !== undefined) judge.problem(one, 'inline', `line ${problem.line ?? 1} of the configuration that stands here: ${problem.message}`);
  }
}

type Given = { shape: Shape; how: How; places: Places; judge: Judge };

function desugar(butane: Butane, { shape, how, places, judge }: Given): Config {
  const { ignition, ...rest } = plainOf(butane as Fields, shape, { spec: how.spec, places, judge }) as Butane & Fields;
  const metadata = { version: `3.${how.spec}.0`, ...ignition };
  const child: Fields = { ...rest, ignition: metadata };
  for (const key of ['variant', 'version']) delete child[key];
  places.inherit(child, butane);
  if (butane.ignition !== undefined) places.inherit(metadata, butane.ignition);
  places.note(metadata, 'version', places.line(butane, 'version'));
  const sugars = [...mountUnits(butane, how.spec).reverse(), ...bootDisk(butane), ...grubUsers(butane)];
  return sugars.reduce<Fields>((over, sugar) => {
    placeSugar(sugar, places);
    return merge(sugar.config as Fields, over, { shape: configShape, places });
  }, child) as Config;
}

/** Without what Ignition does not know: contents become URLs, the rest of Butane’s own keys is left to its sugar. */
function plainOf(value: Fields, shape: Shape, given: { spec: number; places: Places; judge: Judge }): Fields {
  const { spec, places, judge } = given;
  const plain: Fields = {};
  places.inherit(plain, value);
  for (const [name, field] of Object.entries(shape.fields)) {
    const own = value[name];
    const of = ofSpec(field, spec);
    if (own === undefined || field.sugar === true) continue;
    if (typeof of === 'string') plain[name] = own;
    else if (field.list === true) {
      plain[name] = (own as Fields[]).map((entry) => plainOf(entry, of, given));
      places.inherit(plain[name] as object, own as object);
    } else plain[name] = plainOf(own as Fields, of, given);
  }
  if (shape !== resource) return plain;
  const { inline, compression } = value as { inline?: string; compression?: string };
  judgeResource(value, judge);
  if (inline === undefined) return plain;
  Object.assign(plain, dataUrl(inline, { packed: (compression ?? '') !== '', plain: spec === 0 }));
  places.note(plain, 'source', places.line(value, 'inline'));
  return plain;
}

/** Go leaves out what is empty. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, own]) => [key, pruned(own)] as const);
  return Object.fromEntries(entries.filter(([, own]) => typeof own !== 'object' || own === null || Object.keys(own).length > 0));
}

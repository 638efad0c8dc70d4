/** Two configurations joined as Ignition joins them (“Config Merging”): what the child says wins, lists are joined by key. Pure. */
import type { Places } from './places.ts';
import type { Fields } from './read.ts';
import type { Field, Shape } from './schema.ts';

/** Neither is changed. */
export function merge(parent: Fields, child: Fields, { shape, places }: { shape: Shape; places: Places }): Fields {
  const merged: Fields = {};
  places.inherit(merged, parent, child);
  for (const [name, field] of Object.entries(shape.fields)) {
    const [ours, theirs] = [parent[name], child[name]];
    const beside = shape.lists.together?.includes(name) === true && ours !== undefined;
    const value = theirs === undefined && beside ? mergeLists({ name, field }, { parent, child: { ...child, [name]: [] }, shape, places })
      : ours === undefined || theirs === undefined ? theirs ?? ours
      : field.list === true ? mergeLists({ name, field }, { parent, child, shape, places })
      : typeof field.of === 'string' ? theirs
      : merge(ours as Fields, theirs as Fields, { shape: field.of, places });
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

function mergeLists({ name, field }: { name: string; field: Field }, { parent, child, shape, places }: { parent: Fields; child: Fields; shape: Shape; places: Places }): unknown[] {
  const [ours, theirs] = [parent[name] as unknown[], child[name] as unknown[]];
  const merged: unknown[] = [];
  const push = (entry: unknown, from: unknown[]): void => {
    places.note(merged, merged.length, places.line(from, from.indexOf(entry)));
    merged.push(entry);
  };
  if (shape.lists.appended?.includes(name) === true) {
    for (const entry of ours) push(entry, ours);
    for (const entry of theirs) push(entry, theirs);
    return merged;
  }
  const taken = new Set<string>();
  const elsewhere = keysBeside(name, child, shape);
  for (const entry of ours) {
    const key = keyOf(entry, field);
    const same = theirs.find((other) => keyOf(other, field) === key);
    if (same !== undefined) {
      taken.add(key);
      const joined = typeof field.of === 'string' ? same : merge(entry as Fields, same as Fields, { shape: field.of, places });
      places.note(merged, merged.length, places.line(theirs, theirs.indexOf(same)));
      merged.push(joined);
    } else if (!elsewhere.has(key)) push(entry, ours);
  }
  for (const entry of theirs) if (!taken.has(keyOf(entry, field))) push(entry, theirs);
  return merged;
}

/** Keys of the other lists of the name space: a file of the parent gives way to a link of the child. */
function keysBeside(name: string, child: Fields, shape: Shape): Set<string> {
  const together = shape.lists.together ?? [];
  const others = together.includes(name) ? together.filter((other) => other !== name) : [];
  return new Set(others.flatMap((other) => ((child[other] ?? []) as unknown[]).map((entry) => keyOf(entry, shape.fields[other] as Field))));
}

/** Of a list’s entry. */
export const keyOf = (entry: unknown, { of }: Field): string => typeof of === 'string' ? String(entry) : (of.lists.key as ((entry: unknown) => string) | undefined)?.(entry) ?? '';

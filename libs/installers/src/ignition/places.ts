/** Where in the text the parts of a configuration came from, kept beside them: they stay plain JSON. Pure. */

type Key = string | number;
export type Places = {
  note(owner: object, key: Key, line: number): void;
  /** Of the entry; of the whole where the entry was not written; 1 where nothing was. */
  line(owner: object, key?: Key): number;
  /** An object made from others comes from where they came from; the later one wins. */
  inherit(made: object, ...from: readonly object[]): void;
};

const whole = '';

export function newPlaces(): Places {
  const known = new WeakMap<object, Map<Key, number>>();
  const of = (owner: object): Map<Key, number> => {
    const found = known.get(owner) ?? new Map<Key, number>();
    known.set(owner, found);
    return found;
  };
  return {
    note: (owner, key, line) => void of(owner).set(key, line),
    line: (owner, key = whole) => of(owner).get(key) ?? of(owner).get(whole) ?? 1,
    inherit: (made, ...from) => {
      for (const source of from) for (const [key, line] of of(source)) of(made).set(key, line);
    },
  };
}

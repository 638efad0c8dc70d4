/** Which option goes where when a message is too long: main area, then file, then sname, the rest is dropped (RFC 2132 §9.3). */

/** One option ready to be written; `bytes` counts codes and lengths of its pieces. */
export type Entry = { code: number; value: Uint8Array; bytes: number };
/** `bytes` is without the end option. */
export type Area = { entries: Entry[]; bytes: number };
/** Sizes in bytes with room for the end option; 0 means the field is taken by its own text. */
export type Room = { main: number; file: number; sname: number; keep: readonly number[] };
export type Plan = { main: Area; file: Area; sname: Area; dropped: number[] };

const OVERLOAD_BYTES = 3;
const RELAY = 82;
/** Clients look for these in the options field alone. */
const MAIN_ONLY: ReadonlySet<number> = new Set([53, RELAY]);

/**
 * Places options by importance, each whole, in the first area with room; inside an area they keep their order.
 * Option 52 is added to the main area, first, when a field is used. Dropped codes come back in message order.
 */
export function planAreas(entries: readonly Entry[], room: Room): Plan {
  const canOverload = room.file > 0 || room.sname > 0;
  const sizes = [room.main - 1 - (canOverload ? OVERLOAD_BYTES : 0), room.file - 1, room.sname - 1];
  const placed = new Map<Entry, number>();
  for (const entry of byImportance(entries, room.keep)) {
    const areas = MAIN_ONLY.has(entry.code) ? 1 : 3;
    for (let area = 0; area < areas; area++) {
      const left = sizes[area] ?? 0;
      if (entry.bytes > left) continue;
      sizes[area] = left - entry.bytes;
      placed.set(entry, area);
      break;
    }
  }
  const [main, file, sname] = [0, 1, 2].map((area) => areaOf(entries.filter((entry) => placed.get(entry) === area)));
  if (main === undefined || file === undefined || sname === undefined) throw new Error('three areas were planned');
  return { main: withOverload(main, file, sname), file, sname, dropped: entries.filter((e) => !placed.has(e)).map((e) => e.code) };
}

/** Named codes in the order of `keep`, then the others in message order; the sort is stable. */
function byImportance(entries: readonly Entry[], keep: readonly number[]): Entry[] {
  const rank = (entry: Entry): number => {
    const at = keep.indexOf(entry.code);
    return at < 0 ? keep.length : at;
  };
  return [...entries].sort((a, b) => rank(a) - rank(b));
}

function areaOf(entries: Entry[]): Area {
  return { entries, bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0) };
}

function withOverload(main: Area, file: Area, sname: Area): Area {
  const fields = (file.entries.length > 0 ? 1 : 0) | (sname.entries.length > 0 ? 2 : 0);
  if (fields === 0) return main;
  const overload: Entry = { code: 52, value: Uint8Array.of(fields), bytes: OVERLOAD_BYTES };
  return { entries: [overload, ...main.entries], bytes: main.bytes + OVERLOAD_BYTES };
}

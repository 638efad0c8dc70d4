/** Values, snippets and kernel arguments by scope: global, then each tag, then the machine; the later one wins. Pure. */
import type { Layer, MachineFacts, Profile } from '@ironbus/contracts';
import { splitArguments } from './words.ts';

export type LayerOf = (id: string) => Layer | undefined;
type Scoped = { id: string; tags: readonly string[] };

/** The layers that apply to a machine, weakest first. */
export function layersFor(machine: Scoped, layerOf: LayerOf): Layer[] {
  const ids = ['global', ...machine.tags.toSorted().map((tag) => `tag-${tag}`), `machine-${machine.id}`];
  return ids.map(layerOf).filter((layer) => layer !== undefined);
}

export const mergedValues = (layers: readonly Layer[]): Layer['values'] => Object.assign({}, ...layers.map((layer) => layer.values));
/** A profile’s own snippets are the weakest: a layer may replace them. */
export const mergedSnippets = (profile: Pick<Profile, 'snippets'>, layers: readonly Layer[]): Record<string, string> =>
  Object.assign({}, profile.snippets, ...layers.map((layer) => layer.snippets));

/** `--` is what older Debian installers wanted; everything after either is for the installed system, not for the kernel that boots now. */
export function cut(words: readonly string[]): { before: readonly string[]; after: readonly string[] } {
  const index = words.findIndex((word) => word === '--' || word === '---');
  return index < 0 ? { before: words, after: [] } : { before: words.slice(0, index), after: words.slice(index + 1) };
}

/** Where words come from, in the order they are said: the kernel takes the last of two that contradict each other. */
export type Source = { from: string; words: readonly string[] };

/** A word that no loader may be given, and who said it. */
export type Refused = { from: string; word: string };

/** Arguments of the layers, around the profile’s: global, tag, profile, machine. */
export function layeredArguments(machine: Pick<MachineFacts, 'id'>, layers: readonly Layer[], profile?: { id: string; arguments: string }): { sources: Source[]; refused: Refused[] } {
  const own = layers.filter((layer) => layer.id === `machine-${machine.id}`);
  const texts = [
    ...layers.filter((layer) => !own.includes(layer)).map((layer) => ({ from: layer.id, text: layer.kernelArguments })),
    ...(profile === undefined ? [] : [{ from: `profile ${profile.id}`, text: profile.arguments }]),
    ...own.map((layer) => ({ from: layer.id, text: layer.kernelArguments })),
  ];
  const split = texts.map(({ from, text }) => ({ from, ...splitArguments(text) }));
  return { sources: split.filter(({ words }) => words.length > 0).map(({ from, words }) => ({ from, words })), refused: split.flatMap(({ from, refused }) => refused.map((word) => ({ from, word }))) };
}

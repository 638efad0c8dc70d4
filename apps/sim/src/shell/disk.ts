/** What is on a machine's disk, and all that ever happened to it: the witness in tests of who wrote what, and of what was started. */

/** `by`: the claim under which it happened, `<attempt>/<step>/<claim>`; an installer knows only its attempt's token. */
export type Touch = { what: 'erase' | 'write-image' | 'grow' | 'seed' | 'install' | 'start'; boot: number; image: string | null; by: string | null };

export type Disk = {
  /** The hash of the image, or `installed:<hostname>`; null while nothing on it would start. */
  image: string | null;
  /** The files of the seed step; what cloud-init fetched by it is kept beside them. */
  seed: Record<string, string> | null;
  /** Oldest first; `image` is what was there when it began. */
  readonly history: Touch[];
};

export const blankDisk = (): Disk => ({ image: null, seed: null, history: [] });

/** From here on nothing of it would start, until somebody has written all of it. */
export function wipe(disk: Disk): void {
  disk.image = null;
  disk.seed = null;
}

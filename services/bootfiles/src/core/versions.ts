/**
 * The newest version of each stored record that this process has seen, so that it can be said whether something made of a record is still
 * true here. Pure. Invariant: a record it knows nothing certain about has changed. Other processes’ changes are seen at the next read.
 */
export class Versions {
  readonly #most: number;
  /** 0: there is no such record. */
  readonly #known = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** What a read or a commit said. Answers may be worked off out of order: an older one than is known says only that nobody knows. */
  note(record: string, version: number): void {
    const known = this.#known.get(record) ?? 0;
    this.#known.delete(record);
    if (version < known) return;
    this.#known.set(record, version);
    if (this.#known.size > this.#most) this.#known.delete(this.#known.keys().next().value as string);
  }

  stillAt(record: string, version: number): boolean {
    return this.#known.get(record) === version;
  }

  forget(): void {
    this.#known.clear();
  }
}

/**
 * Questions that are asked at once, answered by one call. What comes in one turn of the event loop goes together, and what
 * comes while `lanes` calls are under way waits for the next: alone a question waits for nothing, under load calls grow.
 */
export type BatchLimits = { most: number; lanes: number };
type Waiting<Q, A> = { question: Q; resolve: (answer: A) => void; reject: (error: unknown) => void };

export class Batcher<Q, A> {
  readonly #call: (questions: readonly Q[]) => Promise<readonly A[]>;
  readonly #limits: BatchLimits;
  #waiting: Waiting<Q, A>[] = [];
  #underWay = 0;
  #scheduled = false;

  /** `call` gives one answer for each question, in their order; where it rejects, each of its questions does. */
  constructor(call: (questions: readonly Q[]) => Promise<readonly A[]>, limits: BatchLimits) {
    this.#call = call;
    this.#limits = limits;
  }

  ask(question: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (this.#scheduled || this.#underWay >= this.#limits.lanes) return;
      this.#scheduled = true;
      setImmediate(() => { this.#scheduled = false; this.#next(); });
    });
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.#limits.lanes) {
      const batch = this.#waiting.splice(0, this.#limits.most);
      this.#underWay += 1;
      void this.#run(batch).finally(() => { this.#underWay -= 1; this.#next(); });
    }
  }

  async #run(batch: readonly Waiting<Q, A>[]): Promise<void> {
    try {
      const answers = await this.#call(batch.map(({ question }) => question));
      if (answers.length !== batch.length) throw new Error(`${answers.length} answers came to ${batch.length} questions`);
      batch.forEach(({ resolve }, i) => resolve(answers[i] as A));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

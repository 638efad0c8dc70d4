/**
 * The rack’s images: fetched from the region as soon as its index names them, one download per image at a time, kept as
 * long as the index or an attempt needs them. A machine that asks early waits for the download that is under way.
 */
import { IronbusError, type Image } from '@ironbus/contracts';
import { backoffMs, systemClock, wait, within, type Logger } from '@ironbus/runtime';
import { BrokenOff, NotKept, type ImageFiles } from './image-files.ts';

type Options = {
  files: ImageFiles; regionUrl: string; regionKey: string | undefined; log: Logger;
  /** What the region offers now, and whether that is known in full. */
  index: () => Image[]; heard: () => boolean;
  /** Hashes that an attempt in progress may still ask for. */
  needed: () => ReadonlySet<string>;
};
/** `path`: there it is. `absent`: neither here nor to be had. `late`: it is still being fetched, or the region is away and may be back. `unkept`: this rack’s disk does not take it. */
export type Awaited = { path: string } | 'absent' | 'late' | 'unkept';

const firstByteMs = 15_000;
const silenceMs = 60_000;

export class ImageCache {
  readonly #options: Options;
  readonly #stopper = new AbortController();
  readonly #downloads = new Map<string, Promise<void>>();
  #kicked = Promise.withResolvers<void>();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#options.files.open();
    this.#loop = this.#run().catch((error: unknown) => { this.#options.log.error({ err: error }, 'image cache stopped'); });
  }

  async stop(): Promise<void> {
    this.#stopper.abort(new Error('the image cache stops'));
    this.kick();
    await this.#loop;
    await Promise.allSettled(this.#downloads.values());
  }

  /** Something in the index, or in what needs it, changed. */
  kick(): void {
    this.#kicked.resolve();
  }

  /** The file of an image; waits up to `waitMs` for it to come from the region. */
  async await(sha256: string, waitMs: number): Promise<Awaited> {
    const { files, index } = this.#options;
    const image = index().find((candidate) => candidate.sha256 === sha256);
    const here = await files.locate(sha256, image?.sizeBytes);
    if (here !== undefined) return { path: here };
    if (image === undefined) return 'absent';
    const patience = AbortSignal.any([this.#stopper.signal, AbortSignal.timeout(waitMs)]);
    let failure: unknown;
    const download = (wanted: Image): Promise<void> => this.#download(wanted).catch((error: unknown) => { failure = error; throw error; });
    const outcome = await within(untilFetched(download, image, patience), waitMs);
    const path = await files.locate(sha256, image.sizeBytes);
    if (path !== undefined) return { path };
    if (failure instanceof NotKept) return 'unkept';
    return failure instanceof BrokenOff || (outcome === 'late' && this.#downloads.has(sha256)) ? 'late' : 'absent';
  }

  /** Joins the download that is under way, or starts one. Rejects when this one try fails. */
  #download(image: Image): Promise<void> {
    const running = this.#downloads.get(image.sha256)
      ?? fetchImage(this.#options, image, this.#stopper.signal).finally(() => this.#downloads.delete(image.sha256));
    this.#downloads.set(image.sha256, running);
    return running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopper.signal.aborted;) {
      this.#kicked = Promise.withResolvers<void>();
      failures = await this.#tidy(failures > 0) ? 0 : failures + 1;
      if (failures === 0) await this.#kicked.promise;
      else await within(this.#kicked.promise, backoffMs(failures + 4));
    }
  }

  /** True where all is as it should be. A directory that can not be read or swept now may be mended, and the images of tomorrow are still wanted. */
  async #tidy(again: boolean): Promise<boolean> {
    try {
      const failed = await this.#fetchMissing(again);
      await this.#sweep();
      return failed === 0;
    } catch (error) {
      this.#options.log[again ? 'debug' : 'warn']({ err: error }, 'image cache not in order, trying again');
      return false;
    }
  }

  /** One try for each image that is not here; gives how many failed. What failed before is not worth a second warning. */
  async #fetchMissing(again: boolean): Promise<number> {
    const { files, index, log } = this.#options;
    let failed = 0;
    for (const image of index()) {
      if (this.#stopper.signal.aborted || await files.locate(image.sha256, image.sizeBytes) !== undefined) continue;
      await this.#download(image).catch((error: unknown) => {
        failed += 1;
        if (!this.#stopper.signal.aborted) log[again ? 'debug' : 'warn']({ image: image.id, err: error }, 'image not fetched, trying again');
      });
    }
    return failed;
  }

  async #sweep(): Promise<void> {
    const { files, heard, index, needed, log } = this.#options;
    if (!heard()) return;
    const gone = await files.sweep(new Set([...index().map((image) => image.sha256), ...needed()]));
    if (gone.length > 0) log.info({ images: gone }, 'cached images removed');
  }
}

/** Resolves when the image is here, or when the region says that it has it no more. */
async function untilFetched(download: (image: Image) => Promise<void>, image: Image, patience: AbortSignal): Promise<void> {
  for (let attempt = 1; !patience.aborted; attempt += 1) {
    const failure = await download(image).then(() => undefined, (error: unknown) => error);
    if (failure === undefined || (failure instanceof IronbusError && failure.code === 'IMAGE_UNKNOWN')) return;
    await wait(systemClock, backoffMs(attempt), patience).catch(() => undefined);
  }
}

/** One try, unless another one was quicker. Throws IMAGE_UNKNOWN where the region has no such image, and whatever else went wrong. */
async function fetchImage({ files, regionUrl, regionKey, log }: Options, image: Image, stopped: AbortSignal): Promise<void> {
  if (await files.locate(image.sha256, image.sizeBytes) !== undefined) return;
  const started = performance.now();
  const patience = new AbortController();
  let timer = setTimeout(() => patience.abort(new Error('the region does not answer')), firstByteMs);
  const url = new URL(`/api/v1/images/${image.id}/blob`, regionUrl);
  try {
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => patience.abort(new Error('the region fell silent')), silenceMs);
    };
    await files.save(image, async (offset) => {
      const response = await ask({ url, offset, key: regionKey, signal: AbortSignal.any([stopped, patience.signal]) });
      return { from: response.status === 206 ? offset : 0, body: watched(response, alive) };
    });
  } finally {
    clearTimeout(timer);
  }
  log.info({ image: image.id, sha256: image.sha256, bytes: image.sizeBytes, seconds: (performance.now() - started) / 1000 }, 'image fetched');
}

type Asked = { url: URL; offset: number; key: string | undefined; signal: AbortSignal };

/** Throws IMAGE_UNKNOWN; BrokenOff where there is no answer that says anything of the image. */
async function ask({ url, offset, key, signal }: Asked): Promise<Response> {
  const headers = { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...(offset > 0 && { range: `bytes=${offset}-` }) };
  const response = await fetch(url, { signal, headers }).catch((cause: unknown) => { throw new BrokenOff(`the region does not answer (${reasonOf(cause)})`, { cause }); });
  const { status } = response;
  if (status === 404) throw new IronbusError('IMAGE_UNKNOWN', `the region has no image at ${url.pathname}`);
  if (status === 416) throw new Error(`the region has no bytes of ${url.pathname} from ${offset} on: what is here is of another image`);
  if (!response.ok) throw new BrokenOff(`the region answered ${status}`);
  if (status === 206 && !response.headers.get('content-range')?.startsWith(`bytes ${offset}-`)) throw new Error('the region sent another part than was asked for');
  return response;
}

const reasonOf = (cause: unknown): string => ((cause as Error).cause as Error | undefined)?.message ?? String(cause);

/** Holds the response as long as its body: fetch cancels the body of one that was garbage collected. */
async function* watched(response: Response, alive: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      alive();
      yield chunk;
    }
  } catch (cause) {
    throw new BrokenOff(`the region broke off (${reasonOf(cause)})`, { cause });
  }
}

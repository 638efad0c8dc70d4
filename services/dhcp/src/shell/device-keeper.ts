/** Keeps one open thing for each wanted network device: opened when the device appears, again when it was made anew, closed when unwanted. */
import { readFile } from 'node:fs/promises';
import type { Logger } from '@ironbus/runtime';

export type Closable = { close(): Promise<void> };
/** `index` is the kernel's number of the device, `others` how many are open already; `signal` aborts when the keeper stops. */
export type OpenAt = { index: number; others: number; signal: AbortSignal };
export type KeeperOptions<T extends Closable> = {
  /** What is kept, for the log. */
  what: string; log: Logger; wanted: () => ReadonlySet<string>;
  open: (device: string, at: OpenAt) => Promise<T>;
};

const checkMs = 1_000;

export class DeviceKeeper<T extends Closable> {
  readonly #options: KeeperOptions<T>;
  readonly #open = new Map<string, { thing: T; index: number }>();
  readonly #failures = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #again = false;
  readonly #stopper = new AbortController();

  constructor(options: KeeperOptions<T>) {
    this.#options = options;
  }

  start(): Promise<void> {
    this.#timer = setInterval(() => { void this.sync(); }, checkMs);
    return this.sync();
  }

  async stop(): Promise<void> {
    this.#stopper.abort(new Error('the service stops'));
    clearInterval(this.#timer);
    await this.#working;
    for (const device of [...this.#open.keys()]) await this.#close(device);
  }

  get(device: string): T | undefined {
    return this.#open.get(device)?.thing;
  }

  devices(): string[] {
    return [...this.#open.keys()];
  }

  /** What can not be served, by device, with the reason. */
  failures(): ReadonlyMap<string, string> {
    return this.#failures;
  }

  /** Opens and closes until what is open is what is wanted; a call during the work makes it look again. Never rejects. */
  sync(): Promise<void> {
    this.#again = true;
    this.#working ??= this.#work().finally(() => { this.#working = undefined; });
    return this.#working;
  }

  async #work(): Promise<void> {
    while (this.#again && !this.#stopper.signal.aborted) {
      this.#again = false;
      const wanted = this.#options.wanted();
      for (const device of [...this.#open.keys(), ...this.#failures.keys()]) if (!wanted.has(device)) await this.#close(device);
      for (const device of wanted) await this.#keep(device);
    }
  }

  async #keep(device: string): Promise<void> {
    const { what, log, open } = this.#options;
    try {
      const index = await deviceIndex(device);
      const known = this.#open.get(device);
      if (known !== undefined && known.index === index) return;
      if (known !== undefined) await this.#close(device);
      if (index === undefined) return this.#fail(device, `there is no network device ${device}`);
      const thing = await open(device, { index, others: this.#open.size, signal: this.#stopper.signal });
      this.#open.set(device, { thing, index });
      this.#failures.delete(device);
      log.info({ device, what }, 'device opened');
    } catch (error) {
      this.#fail(device, error instanceof Error ? error.message : String(error));
    }
  }

  #fail(device: string, why: string): void {
    if (this.#failures.get(device) !== why && !this.#stopper.signal.aborted) this.#options.log.warn({ device, what: this.#options.what, reason: why }, 'device not served');
    this.#failures.set(device, why);
  }

  async #close(device: string): Promise<void> {
    this.#failures.delete(device);
    const known = this.#open.get(device);
    if (known === undefined) return;
    this.#open.delete(device);
    await known.thing.close();
    this.#options.log.info({ device, what: this.#options.what }, 'device closed');
  }
}

/** The kernel's number of a device, a new one each time it is made; undefined while there is no such device. */
async function deviceIndex(device: string): Promise<number | undefined> {
  try {
    return Number(await readFile(`/sys/class/net/${device}/ifindex`, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

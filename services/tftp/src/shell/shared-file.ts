/**
 * A large file that many clients fetch at once, as kernel and initrd of the agent: read and verified once, shared by all transfers,
 * given back when the last one is over. Memory holds it once, however many read it.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { IronbusError } from '@ironbus/contracts';
import { toNetascii } from '@ironbus/wire';

export type Mode = 'binary' | 'text';
/** `release` is called once, when the bytes are no longer looked at. */
export type Lease = { readonly bytes: Buffer; release(): void };
/** `sha256` is undefined for files that a person put there: they are served as they are. */
export type FileOnDisk = { path: string; sizeBytes: number; sha256: string | undefined };

/** Clients of one boot storm come within this time. */
const keptMs = 30_000;

export class SharedFile {
  readonly #file: FileOnDisk;
  readonly #keptMs: number;
  #loading: Promise<Buffer> | undefined;
  #text: Buffer | undefined;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(file: FileOnDisk, { keptForMs = keptMs }: { keptForMs?: number } = {}) {
    this.#file = file;
    this.#keptMs = keptForMs;
  }

  /** True while the file is in memory or on its way there. */
  get isHeld(): boolean { return this.#loading !== undefined; }

  /** Rejects with ASSETS_MISSING where the file is gone or is not what it was. */
  async take(mode: Mode): Promise<Lease> {
    this.#users += 1;
    clearTimeout(this.#timer);
    try {
      this.#loading ??= readVerified(this.#file);
      const bytes = await this.#loading;
      return { bytes: mode === 'binary' ? bytes : this.#text ??= asText(bytes), release: this.#once() };
    } catch (error) {
      this.#loading = undefined;
      this.#users -= 1;
      throw error;
    }
  }

  #once(): () => void {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#users -= 1;
      if (this.#users === 0) this.#timer = setTimeout(() => this.#forget(), this.#keptMs).unref();
    };
  }

  #forget(): void {
    this.#loading = undefined;
    this.#text = undefined;
  }
}

/** A loader, which is small: it stays in memory. */
export function keptFile(bytes: Buffer): { take(mode: Mode): Promise<Lease> } {
  let text: Buffer | undefined;
  return { take: async (mode) => ({ bytes: mode === 'binary' ? bytes : text ??= asText(bytes), release: () => undefined }) };
}

/** The thread that sends it (`engine.ts`) reads it where it is. */
const sharedBuffer = (sizeBytes: number): Buffer => Buffer.from(new SharedArrayBuffer(sizeBytes));

function asText(bytes: Buffer): Buffer {
  const text = toNetascii(bytes);
  const shared = sharedBuffer(text.length);
  shared.set(text);
  return shared;
}

/** Read in pieces, so that hashing does not keep other transfers waiting. */
export async function readVerified({ path, sizeBytes, sha256 }: FileOnDisk): Promise<Buffer> {
  const bytes = sharedBuffer(sizeBytes);
  const hash = createHash('sha256');
  let at = 0;
  try {
    const flags = sha256 === undefined ? constants.O_RDONLY | constants.O_NOFOLLOW : constants.O_RDONLY; // a link put there since could lead out of the tree
    const file = await open(path, flags);
    for await (const piece of file.createReadStream({ highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
      if (at + piece.length > sizeBytes) throw differs(path);
      piece.copy(bytes, at);
      at += piece.length;
      if (sha256 !== undefined) hash.update(piece);
    }
  } catch (cause) {
    if (cause instanceof IronbusError) throw cause;
    throw new IronbusError('ASSETS_MISSING', `${path} can not be read: ${remedy}`, { cause });
  }
  if (at !== sizeBytes || (sha256 !== undefined && hash.digest('hex') !== sha256)) throw differs(path);
  return bytes;
}

export const remedy = 'build them with "npm run setup" (or node agent/build.ts)';
const differs = (path: string): IronbusError => new IronbusError('ASSETS_MISSING', `${path} differs from what was there at start: ${remedy}`);

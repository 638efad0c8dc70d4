/** The image as bytes: every read is checked against its size, so that no lie in it leads outside or asks for unbounded memory. */

/** Gives exactly these bytes of the image; both numbers were checked against its size. */
export type Read = (offset: number, length: number) => Promise<Uint8Array>;
/** Bytes of the image, of which a file is made in order. */
export type Extent = { offset: number; length: number };
export type IsoReason = 'not-a-disc' | 'outside-image' | 'malformed' | 'loop' | 'too-large' | 'unsupported';

/** What is wrong with an image, and at which byte of it. */
export class IsoError extends Error {
  readonly reason: IsoReason;
  readonly at: number;

  constructor(reason: IsoReason, message: string, at: number) {
    super(`${message} (byte ${at} of the image)`);
    this.name = 'IsoError';
    this.reason = reason;
    this.at = at;
  }
}

/** Real directories have some thousand entries of some hundred bytes. */
export const maxDirectoryBytes = 16 * 1024 * 1024;
export const maxDirectoryEntries = 65_536;

export class Source {
  readonly sizeBytes: number;
  readonly #read: Read;

  constructor(read: Read, sizeBytes: number) {
    this.#read = read;
    this.sizeBytes = sizeBytes;
  }

  holds({ offset, length }: Extent): boolean {
    return Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= this.sizeBytes;
  }

  /** `what` is named in the error. Throws outside-image; malformed where the file is shorter than it was. */
  async view(extent: Extent, what: string): Promise<DataView> {
    this.check([extent], what);
    const bytes = await this.#read(extent.offset, extent.length);
    if (bytes.length !== extent.length) throw new IsoError('malformed', `${what} could be read in part only: the image is cut off`, extent.offset);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A whole directory, which may lie in several pieces. Throws too-large, outside-image. */
  async directory(extents: readonly Extent[], what: string): Promise<DataView> {
    const length = extents.reduce((sum, extent) => sum + extent.length, 0);
    const [first] = extents;
    if (length > maxDirectoryBytes) throw new IsoError('too-large', `${what} claims ${length} bytes; ${maxDirectoryBytes} are the most that is read`, first?.offset ?? 0);
    if (extents.length === 1 && first !== undefined) return this.view(first, what);
    const whole = new Uint8Array(length);
    let at = 0;
    for (const extent of extents) {
      const { buffer, byteOffset, byteLength } = await this.view(extent, what);
      whole.set(new Uint8Array(buffer, byteOffset, byteLength), at);
      at += byteLength;
    }
    return new DataView(whole.buffer);
  }

  /** Throws outside-image. */
  check(extents: readonly Extent[], what: string): void {
    const outside = extents.find((extent) => !this.holds(extent));
    if (outside === undefined) return;
    throw new IsoError('outside-image', `${what} claims ${outside.length} bytes, which ends outside the image of ${this.sizeBytes} bytes`, outside.offset);
  }
}

export const bytesOf = (view: DataView, from: number, length: number): Buffer => Buffer.from(view.buffer, view.byteOffset + from, length);

/** UTF-16, big endian, as Joliet and UDF write names; an odd last byte is dropped. */
export const utf16 = (bytes: Buffer): string => Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16().toString('utf16le');

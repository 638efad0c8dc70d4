/** Which options of a read request are agreed to (RFC 2347: only those asked for, in their order). */
import { DEFAULT_BLOCK_BYTES, knownOptions, type TftpOption } from '@ironbus/wire';

const maxTimeoutSeconds = 10;

/** `timeoutSeconds` is what is waited where the client does not ask for a time of its own. */
export type Limits = { maxBlockBytes: number; maxWindowBlocks: number; timeoutSeconds: number };
export type Agreed = {
  blockBytes: number; windowBlocks: number; timeoutSeconds: number;
  /** The OACK's options; none means that no OACK is sent and the first DATA follows at once. */
  oack: readonly TftpOption[];
};

/**
 * blksize (RFC 2348) and windowsize (RFC 7440) are lowered to our limit, never raised; tsize (RFC 2349) is answered with the real size;
 * timeout (RFC 2349) is agreed to as asked, up to ten seconds: with more a client that went away would be held for an hour.
 * Unknown or unreadable options are left out, and so is the size of an empty file: curl 7.88 takes `tsize=0` for an error.
 */
export function negotiate(options: readonly TftpOption[], sizeBytes: number, limits: Limits): Agreed {
  const asked = knownOptions(options);
  const blockBytes = Math.min(asked.blksize ?? DEFAULT_BLOCK_BYTES, limits.maxBlockBytes);
  const windowBlocks = Math.min(asked.windowsize ?? 1, limits.maxWindowBlocks);
  const timeout = asked.timeout === undefined || asked.timeout > maxTimeoutSeconds ? undefined : asked.timeout;
  const values: Record<string, number | undefined> = {
    blksize: asked.blksize && blockBytes, windowsize: asked.windowsize && windowBlocks,
    timeout, tsize: asked.tsize === undefined || sizeBytes === 0 ? undefined : sizeBytes,
  };
  const oack = options.flatMap(({ name }) => {
    const value = values[name];
    return value === undefined ? [] : [{ name, value: String(value) }];
  });
  return { blockBytes, windowBlocks, timeoutSeconds: timeout ?? limits.timeoutSeconds, oack };
}

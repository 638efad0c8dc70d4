/** What a read request is answered with: a file of the boot assets, a text rendered for this machine, or an error with its reason. */
import { TftpError, toNetascii, type TftpRequest } from '@ironbus/wire';
import type { Logger } from '@ironbus/runtime';
import { assetOf, nameOf } from '../core/path.ts';
import { unknown, type Told } from '../core/told.ts';
import type { Files } from './files.ts';
import type { Lease, Mode } from './shared-file.ts';
import type { Virtual } from './virtual.ts';

export type Refused = Extract<Told, { is: 'refused' }>;
export type Found = { is: 'content'; lease: Lease } | { is: 'wait' } | Refused;
export type Sources = { files: Files; virtual: Pick<Virtual, 'ask'>; log: Logger };

/** What the RFC's modes mean to us; `mail` (RFC 1350 §1) is obsolete and refused. */
const modes: ReadonlyMap<string, Mode> = new Map([['octet', 'binary'], ['netascii', 'text']]);
const refusal = (code: number, reason: string, message = reason): Refused => ({ is: 'refused', code, reason, message });
const unreadable = refusal(TftpError.notDefined, 'file-unreadable', 'the file can not be read: see the log of the TFTP service');
/** Firmware that a Raspberry Pi can not do without; it asks for many files that hardly anybody has. */
const neededByPi = /^pi\/(bootcode\.bin|start4?\.elf|fixup4?\.dat|bcm27[^/]*\.dtb)$/;

/** Never rejects. The assets come first: what they hold is the same for everybody and needs nobody to be asked. */
export async function findContent(request: TftpRequest, asker: string, sources: Sources): Promise<Found> {
  const named = nameOf(request.file);
  if (!named.ok) return refusal(TftpError.accessViolation, named.reason);
  const mode = modes.get(request.mode);
  if (mode === undefined) return refusal(TftpError.illegalOperation, 'mode-not-served');
  const asset = takeAsset(assetOf(named.name), mode, sources);
  if (asset !== undefined) return asset;
  const told = await sources.virtual.ask(named.name, asker);
  switch (told.is) {
    case 'text': return { is: 'content', lease: { bytes: mode === 'binary' ? told.bytes : Buffer.from(toNetascii(told.bytes)), release: () => undefined } };
    case 'asset': return await takeAsset(told.path, mode, sources) ?? notInstalled(told.path, sources);
    default: return told;
  }
}

function takeAsset(path: string, mode: Mode, { files, log }: Sources): Promise<Found> | undefined {
  return files.take(path, mode)?.then((lease) => ({ is: 'content', lease }), (error: unknown) => {
    log.error({ path, err: error }, 'boot file not readable');
    return unreadable;
  });
}

function notInstalled(path: string, { log }: Sources): Refused {
  log[neededByPi.test(path) ? 'warn' : 'debug']({ missing: path, reason: 'not-installed' }, 'file not among the boot assets: firmware of a Raspberry Pi has to be put there, and the service started again');
  return { ...unknown as Refused, reason: 'not-installed' };
}

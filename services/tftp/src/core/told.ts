/** What bootfiles answers to `GET /virtual/<path>`, and how that is said in TFTP. Pure. */
import { TftpError } from '@ironbus/wire';

export type Response = { status: number; asset: string | undefined; body: Buffer };
/** `wait` is answered with silence: firmware repeats its request, and by then there may be an answer. */
export type Told =
  | { is: 'text'; bytes: Buffer }
  | { is: 'asset'; path: string }
  | { is: 'wait' }
  | { is: 'refused'; code: number; reason: string; message: string };

const absent: Told = { is: 'refused', code: TftpError.fileNotFound, reason: 'no-such-file', message: 'no-such-file' };
const notOurs: Told = { is: 'refused', code: TftpError.notDefined, reason: 'bootfiles-forbids', message: 'the rack is set up wrongly: see the log of its TFTP service' };

/** Error 1 sends a loader to its next name at once; error 0 with a word tells a person what to look at (RFC 1350, appendix). */
export const away: Told = { is: 'refused', code: TftpError.notDefined, reason: 'bootfiles-away', message: 'boot files are not available now: try again' };

/** The path of a URL that asks for this name; undefined for names that are never rendered, which then need not be asked for. */
export const virtualPath = (name: string): string | undefined =>
  /^[\x21-\x7e]{1,255}$/.test(name) ? `/virtual/${name.split('/').map(encodeURIComponent).join('/')}` : undefined;

export function toldBy({ status, asset, body }: Response): Told {
  switch (status) {
    case 200: return { is: 'text', bytes: body };
    case 204: return asset === undefined ? away : { is: 'asset', path: asset };
    case 403: return notOurs;
    case 404: return absent;
    case 503: return { is: 'wait' };
    default: return away;
  }
}

/** A name that bootfiles need not be asked for. */
export const unknown = absent;

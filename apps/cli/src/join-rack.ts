/**
 * How a host becomes a rack: it makes an X25519 key pair, shows the public half and a join token to the region, and keeps
 * what it is given. One-host installations go the same way. Idempotent: whatever was interrupted can be run again.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from './core/errors.ts';
import { Client, type Fetch } from './shell/client.ts';

export type JoinRack = { region: string; token: string | undefined; rack: string; dir: string; fetch?: Fetch };
export type JoinedRack = { already: boolean; rack: string; region: string; publicKey: string; dir: string; rackKeyFile: string; regionKeyFile: string };
type Record = { rack: string; region: string; publicKey: string; joinedAt: string };

/**
 * Writes `dir`/rack.key (PKCS #8 PEM) and region.key (API key), both 0600, then rack.json. Throws CliError: RACK_TOKEN,
 * UNREACHABLE, USAGE for a directory that belongs to another rack or a missing token.
 */
export async function joinRack({ region, token, rack, dir, fetch }: JoinRack): Promise<JoinedRack> {
  const base = region.replace(/\/+$/, '');
  const files = { rackKeyFile: join(dir, 'rack.key'), regionKeyFile: join(dir, 'region.key'), record: join(dir, 'rack.json') };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const publicKey = publicHalf(await rackKey(files.rackKeyFile), files.rackKeyFile);
  const result = { rack, region: base, publicKey, dir, rackKeyFile: files.rackKeyFile, regionKeyFile: files.regionKeyFile };
  const known = await readRecord(files.record);
  if (known !== undefined && known.rack !== rack) throw new CliError('USAGE', `${dir} belongs to rack ${known.rack}: give rack ${rack} another directory`);
  if (known?.region === base && known.publicKey === publicKey && await read(files.regionKeyFile) !== undefined) return { already: true, ...result };
  if (token === undefined || token === '') throw new CliError('USAGE', 'a join token is needed: make one with "ironbus rack token", and give it in IRONBUS_JOIN_TOKEN or --token-file');
  const client = new Client({ api: base, key: undefined }, fetch);
  const { body } = await client.call<{ apiKey: string }>('POST', '/api/v1/racks/join', { body: { token, rack, publicKey } });
  await writeWhole(files.regionKeyFile, `${body.apiKey}\n`, 0o600);
  const record: Record = { rack, region: base, publicKey, joinedAt: new Date().toISOString() };
  await writeWhole(files.record, `${JSON.stringify(record, null, 2)}\n`, 0o644);
  return { already: false, ...result };
}

/** The key that is there, or a new one that replaces none: two joins at once end up with the same key. */
async function rackKey(file: string): Promise<string> {
  const found = await read(file);
  if (found !== undefined) return found;
  const draft = await writeDraft(file, generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  await link(draft, file).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'EEXIST') throw error; });
  await rm(draft);
  return readFile(file, 'utf8');
}

/** The raw 32 bytes in base64. */
function publicHalf(pem: string, file: string): string {
  try {
    const { crv, x } = createPublicKey(createPrivateKey(pem)).export({ format: 'jwk' });
    if (crv === 'X25519' && x !== undefined) return Buffer.from(x, 'base64url').toString('base64');
  } catch (cause) {
    throw new CliError('USAGE', `${file} is no private key: restore it, or remove it to make a new one (secrets sealed to the old one are then lost)`, { cause });
  }
  throw new CliError('USAGE', `${file} is no X25519 key: restore it, or remove it to make a new one`);
}

async function readRecord(file: string): Promise<Record | undefined> {
  const text = await read(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Record;
  } catch (cause) {
    throw new CliError('USAGE', `${file} is damaged: remove it and join again`, { cause });
  }
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CliError('USAGE', `${file} can not be read (${error.code})`, { cause: error });
  });
}

/** On disk in full before it takes its name. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  await rename(await writeDraft(file, text, mode), file);
}

async function writeDraft(file: string, text: string, mode: number): Promise<string> {
  const draft = `${file}.${randomUUID()}`;
  await using handle = await open(draft, 'wx', mode);
  await handle.writeFile(text);
  await handle.sync();
  return draft;
}

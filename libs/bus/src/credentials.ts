/**
 * Who we are to NATS: a user JWT in a creds file, or `user:password@` in the server's URL.
 * The creds file is read at every connect, so a rotated one needs no restart.
 */
import { readFileSync } from 'node:fs';
import { credsAuthenticator, type ConnectionOptions } from '@nats-io/transport-node';

/** Connection options for the credentials. Throws where the creds file can not be read or is none. */
export function credentials(servers: readonly string[], credsFile: string | undefined): Partial<ConnectionOptions> {
  if (credsFile !== undefined) return fromFile(credsFile);
  const found = servers.map(userInfo).find((info) => info !== undefined);
  return found ?? {};
}

/** The servers without their user information: the NATS client does not take it from a URL. */
export const addresses = (servers: readonly string[]): string[] => servers.map((server) => server.replace(/^([a-z]+:\/\/)?[^/@]*@/, '$1'));

function fromFile(file: string): Partial<ConnectionOptions> {
  let creds = readFileSync(file);
  const user = userOfCreds(creds.toString('utf8'));
  const authenticator = (nonce?: string) => credsAuthenticator(() => (creds = readOr(file, creds)))(nonce);
  return { authenticator, ...(user !== undefined && { inboxPrefix: `_INBOX_${user}` }) };
}

/** The file's bytes, or the last known ones while it is being replaced. */
function readOr(file: string, last: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return last;
    throw error;
  }
}

/** The `name` of the user JWT in a creds file: permissions give each user its own `_INBOX_<user>.>`. */
export function userOfCreds(text: string): string | undefined {
  const payload = /-----BEGIN NATS USER JWT-----\s+[^.\s]+\.([^.\s]+)\./.exec(text)?.[1];
  if (payload === undefined) throw new Error('the credentials file holds no NATS user JWT');
  const { name } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { name?: unknown };
  return typeof name === 'string' && /^[A-Za-z0-9_-]+$/.test(name) ? name : undefined;
}

function userInfo(server: string): Partial<ConnectionOptions> | undefined {
  const match = /^(?:[a-z]+:\/\/)?([^/@:]*)(?::([^/@]*))?@/.exec(server);
  if (match === null) return undefined;
  const [user = '', pass] = [match[1], match[2]].map((part) => part === undefined ? undefined : decodeURIComponent(part));
  return pass === undefined ? { token: user } : { user, pass };
}

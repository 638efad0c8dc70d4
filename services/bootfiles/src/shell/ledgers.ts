/** The ledger and the tokens in Redis: pure rules applied under compare-and-set, their facts in the same script's outbox. */
import { createHash, randomBytes } from 'node:crypto';
import { IronbusError, macToken, makeEvent, parseMac, type Envelope, type Mac, type NodeId, type Origin } from '@ironbus/contracts';
import { lookup, type Row, type Store } from '@ironbus/store';
import { draftEvents, type Said, type Speaker } from '../core/events.ts';
import { next, type Action, type Fact, type Ledger, type Move } from '../core/ledger.ts';
import { consumerKeyOf, type Credentials } from '../core/oauth.ts';
import { Recent } from '../core/recent.ts';
import { applyToken, mayNameAgain, mintToken, type BootToken, type TokenFor, type Tokens } from '../core/tokens.ts';
import { openRecords, type Records, type Seen } from './records.ts';

export type FoundToken = BootToken & { mac: Mac };
type NamedToken = { token: string; hash: string };
export type Ledgers = ReturnType<typeof openLedgers>;

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');
/** 43 base64url characters. */
export const newToken = (): string => randomBytes(32).toString('base64url');
export const newCredentials = (node: NodeId): Credentials => ({ consumerKey: consumerKeyOf(node, newToken()), tokenKey: newToken(), tokenSecret: newToken() });

const tries = 20;
const ledgerKey = (name: string): string => `ledger/${name}`;
const tokensKey = (mac: Mac): string => `tokens/${macToken(mac)}`;

/**
 * Tokens as they went out, in memory alone, until their agent comes or nobody asked for a minute: Redis has the hash, and says at each
 * telling whether the token still stands.
 */
const openTokens = { keepMs: 60_000, most: 4_096 };

/** Every asynchronous function throws STORE_UNREACHABLE, and STORE_CONFLICT where a record never holds still. */
export function openLedgers(store: Store, origin: Origin) {
  const records = openRecords(store);
  const told = new Recent<NamedToken>(openTokens);
  const forgetting = setTimeout(() => told.sweep(performance.now()), openTokens.keepMs + 1_000).unref();
  const remember = (mac: Mac, named: NamedToken): void => {
    told.keep(mac, named, performance.now());
    forgetting.refresh();
  };
  const rowsOf = (facts: readonly Fact[], ledger: Ledger, speaker: Speaker, said: Said): Row[] =>
    draftEvents(facts, ledger, speaker, said).map(({ definition, draft }) => ({ kind: 'event', event: makeEvent(definition, origin, draft) as Envelope }));

  return {
    read: async (name: string, seen?: Seen): Promise<Ledger | undefined> => (await records.read<Ledger>(ledgerKey(name), seen))?.value,

    /** records.ts: false where a record may have changed. */
    still: (seen: Seen): boolean => records.still(seen),

    /** Applies one action; the change and its events are committed before this resolves. */
    apply: (action: Action, speaker: Speaker, said: Said = {}): Promise<Move> => untilCommitted(speaker.ledgerKey, async () => {
      const key = ledgerKey(speaker.ledgerKey);
      const stored = await records.read<Ledger>(key);
      const move = next(stored?.value, action);
      if (move.ledger === undefined || move.ledger === stored?.value) return move;
      const committed = await records.write({ key, expectedVersion: stored?.version ?? 0, value: move.ledger, rows: rowsOf(move.facts, move.ledger, speaker, said) });
      return committed ? move : undefined;
    }),

    /** The token that a script names: the one of this boot where it is still unused, else a fresh one. Only its hash is kept in Redis. */
    async tokenFor(mac: Mac, wanted: TokenFor, seen?: Seen): Promise<string> {
      let named = { token: '', hash: '' };
      await changeTokens(records, mac, (tokens) => {
        const last = told.find(mac, performance.now());
        if (last !== undefined && mayNameAgain(tokens, last.hash, wanted)) {
          named = last;
          return tokens;
        }
        const token = newToken();
        named = { token, hash: hashToken(token) };
        return mintToken(tokens, { ...wanted, hash: named.hash });
      }, seen);
      remember(mac, named);
      return named.token;
    },

    /** Undefined for a token that is unknown or spent. */
    async find(hash: string): Promise<FoundToken | undefined> {
      const mac = parseMac(await lookup(store, `token:${hash}`) ?? '');
      if (mac === undefined) return undefined;
      const token = (await records.read<Tokens>(tokensKey(mac)))?.value.find((candidate) => candidate.hash === hash);
      return token === undefined ? undefined : { ...token, mac };
    },

    /** The token is in use from now on and bound to what its agent was told; undefined where it was spent meanwhile. */
    use(token: FoundToken, bound: Pick<BootToken, 'ledger' | 'node' | 'attempt' | 'bootId'>): Promise<Tokens | undefined> {
      told.drop(token.mac);
      return changeTokens(records, token.mac, (tokens) => applyToken(tokens, token.hash, bound));
    },
  };
}

function changeTokens(records: Records, mac: Mac, change: (tokens: Tokens) => Tokens | undefined, seen?: Seen): Promise<Tokens | undefined> {
  return untilCommitted(mac, async () => {
    const key = tokensKey(mac);
    const stored = await records.read<Tokens>(key, seen);
    const before = stored?.value ?? [];
    const after = change(before);
    if (after === undefined || after === before || JSON.stringify(after) === JSON.stringify(before)) return { done: after };
    const kept = new Set(after.map((token) => token.hash));
    const written = await records.write({
      key, expectedVersion: stored?.version ?? 0, value: after,
      indexes: {
        set: Object.fromEntries(after.map((token) => [`token:${token.hash}`, macToken(mac)])),
        remove: before.filter((token) => !kept.has(token.hash)).map((token) => `token:${token.hash}`),
      },
    }, seen);
    return written ? { done: after } : undefined;
  }).then(({ done }) => done);
}

/** Tries again while somebody else changed the record first. */
async function untilCommitted<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (let count = 0; count < tries; count += 1) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
  throw new IronbusError('STORE_CONFLICT', `the record of ${what} changed ${tries} times in a row`);
}

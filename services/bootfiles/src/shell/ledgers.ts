/** The ledger and the tokens in Redis: pure rules applied under compare-and-set, their facts in the same script's outbox. */
import { createHash, randomBytes } from 'node:crypto';
import { IronbusError, macToken, makeEvent, parseMac, type Envelope, type Mac, type NodeId, type Origin } from '@ironbus/contracts';
import { commit, lookup, read, type Row, type Store } from '@ironbus/store';
import { draftEvents, type Said, type Speaker } from '../core/events.ts';
import { next, type Action, type Fact, type Ledger, type Move } from '../core/ledger.ts';
import { consumerKeyOf, type Credentials } from '../core/oauth.ts';
import { applyToken, mintToken, type BootToken, type Tokens } from '../core/tokens.ts';

export type FoundToken = BootToken & { mac: Mac };
export type Ledgers = ReturnType<typeof openLedgers>;

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');
/** 43 base64url characters. */
export const newToken = (): string => randomBytes(32).toString('base64url');
export const newCredentials = (node: NodeId): Credentials => ({ consumerKey: consumerKeyOf(node, newToken()), tokenKey: newToken(), tokenSecret: newToken() });

const tries = 20;
const ledgerKey = (name: string): string => `ledger/${name}`;
const tokensKey = (mac: Mac): string => `tokens/${macToken(mac)}`;

/** Every function throws STORE_UNREACHABLE, and STORE_CONFLICT where a record never holds still. */
export function openLedgers(store: Store, origin: Origin) {
  const rowsOf = (facts: readonly Fact[], ledger: Ledger, speaker: Speaker, said: Said): Row[] =>
    draftEvents(facts, ledger, speaker, said).map(({ definition, draft }) => ({ kind: 'event', event: makeEvent(definition, origin, draft) as Envelope }));

  return {
    read: async (name: string): Promise<Ledger | undefined> => (await read<Ledger>(store, ledgerKey(name)))?.value,

    /** Applies one action; the change and its events are committed before this resolves. */
    apply: (action: Action, speaker: Speaker, said: Said = {}): Promise<Move> => untilCommitted(speaker.ledgerKey, async () => {
      const key = ledgerKey(speaker.ledgerKey);
      const stored = await read<Ledger>(store, key);
      const move = next(stored?.value, action);
      if (move.ledger === undefined || move.ledger === stored?.value) return move;
      const committed = await commit(store, { key, expectedVersion: stored?.version ?? 0, value: move.ledger, rows: rowsOf(move.facts, move.ledger, speaker, said) });
      return committed.ok ? move : undefined;
    }),

    /** A fresh token for one MAC; only its hash is kept. */
    async mint(mac: Mac, bound: Omit<BootToken, 'hash' | 'used'>): Promise<string> {
      const token = newToken();
      await changeTokens(store, mac, (tokens) => mintToken(tokens, { ...bound, hash: hashToken(token) }));
      return token;
    },

    /** Undefined for a token that is unknown or spent. */
    async find(hash: string): Promise<FoundToken | undefined> {
      const mac = parseMac(await lookup(store, `token:${hash}`) ?? '');
      if (mac === undefined) return undefined;
      const token = (await read<Tokens>(store, tokensKey(mac)))?.value.find((candidate) => candidate.hash === hash);
      return token === undefined ? undefined : { ...token, mac };
    },

    /** The token is in use from now on and bound to what its agent was told; undefined where it was spent meanwhile. */
    use: (token: FoundToken, bound: Pick<BootToken, 'ledger' | 'node' | 'attempt' | 'bootId'>): Promise<Tokens | undefined> =>
      changeTokens(store, token.mac, (tokens) => applyToken(tokens, token.hash, bound)),
  };
}

function changeTokens(store: Store, mac: Mac, change: (tokens: Tokens) => Tokens | undefined): Promise<Tokens | undefined> {
  return untilCommitted(mac, async () => {
    const key = tokensKey(mac);
    const stored = await read<Tokens>(store, key);
    const before = stored?.value ?? [];
    const after = change(before);
    if (after === undefined || JSON.stringify(after) === JSON.stringify(before)) return { done: after };
    const kept = new Set(after.map((token) => token.hash));
    const committed = await commit(store, {
      key, expectedVersion: stored?.version ?? 0, value: after,
      indexes: {
        set: Object.fromEntries(after.map((token) => [`token:${token.hash}`, macToken(mac)])),
        remove: before.filter((token) => !kept.has(token.hash)).map((token) => `token:${token.hash}`),
      },
    });
    return committed.ok ? { done: after } : undefined;
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

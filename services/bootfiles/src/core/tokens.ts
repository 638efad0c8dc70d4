/**
 * The boot tokens of one MAC, by hash only. Pure. A token is of one boot: scripts fetched again before its agent came name it again, from
 * where it was minted. Elsewhere another one is minted (a second process, a boot that nobody counted), and either script may be the one
 * that runs, so two unused ones are kept beside the one in use. The first use of a newer token ends the older ones.
 */
import type { Mac, NodeId } from '@ironbus/contracts';

export type BootToken = {
  hash: string;
  /** The ledger that this token's agent writes to: the node's, or `mac-…` for enlisting. */
  ledger: string;
  node: NodeId;
  attempt: number;
  bootId: string | null;
  /** What a person chose in the menu, where this boot came from one. */
  choice?: string;
  used: boolean;
};
/** What a token is minted for. */
export type TokenFor = Omit<BootToken, 'hash' | 'used'>;
/** Oldest first. */
export type Tokens = readonly BootToken[];

const unusedKept = 2;

/**
 * What stands for a boot of media that can carry no token. Only dhcp's boot id tells one boot from the next: without one each fetch counts as a
 * boot of its own (`fresh` is random), so that an installation begun again and again still runs out of claims.
 */
export const bootWithoutToken = (mac: Mac, bootId: string | null, fresh: string): string => bootId === null ? fresh : `${mac}/${bootId}`;

/** Adds a fresh token; of the unused ones only the newest stay, the one in use always does. */
export function mintToken(tokens: Tokens, minted: TokenFor & { hash: string }): Tokens {
  const inUse = tokens.filter((token) => token.used);
  const unused = [...tokens.filter((token) => !token.used), { ...minted, used: false }];
  return [...inUse, ...unused.slice(-unusedKept)];
}

/** Marks a token as the one in use and binds it to what its agent was told; undefined where the token is unknown or spent. */
export function applyToken(tokens: Tokens, hash: string, bound: Partial<Pick<BootToken, 'ledger' | 'node' | 'attempt' | 'bootId'>> = {}): Tokens | undefined {
  const at = tokens.findIndex((token) => token.hash === hash);
  const token = tokens[at];
  if (token === undefined) return undefined;
  return [{ ...token, ...bound, used: true }, ...tokens.slice(at + 1)];
}

/**
 * Whether a script may name a token once more: nobody used it, and it was minted for this very boot of this attempt. Without a boot id
 * nobody knows where a boot ends, and two boots with one token would be one claim: there each script gets its own.
 */
export function mayNameAgain(tokens: Tokens, hash: string, wanted: TokenFor): boolean {
  const token = tokens.find((candidate) => candidate.hash === hash);
  return token !== undefined && !token.used && wanted.bootId !== null && token.bootId === wanted.bootId
    && token.ledger === wanted.ledger && token.node === wanted.node && token.attempt === wanted.attempt && token.choice === wanted.choice;
}

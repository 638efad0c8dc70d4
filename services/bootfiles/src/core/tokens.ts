/**
 * The boot tokens of one MAC, by hash only. Pure. A token is minted with every script; firmware fetches scripts twice and
 * may run either, so two unused ones are kept beside the one in use. The first use of a newer token ends the older ones.
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
/** Oldest first. */
export type Tokens = readonly BootToken[];

const unusedKept = 2;

/**
 * What stands for a boot of media that can carry no token. Only dhcp's boot id tells one boot from the next: without one each fetch counts as a
 * boot of its own (`fresh` is random), so that an installation begun again and again still runs out of claims.
 */
export const bootWithoutToken = (mac: Mac, bootId: string | null, fresh: string): string => bootId === null ? fresh : `${mac}/${bootId}`;

/** Adds a fresh token; of the unused ones only the newest stay, the one in use always does. */
export function mintToken(tokens: Tokens, minted: Omit<BootToken, 'used'>): Tokens {
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

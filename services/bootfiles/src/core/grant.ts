/**
 * What one deployment attempt promises its first boot: made when the agent claims the seed, kept in the ledger without a secret, read by
 * the system that was written. Pure. The window opens when the last step is done, for nothing but the agent runs before that, and
 * closes when the machine has phoned home; a deployed machine needs none of it.
 */
import type { BootPolicy, Deployment, IpAddress } from '@ironbus/contracts';
import type { Ledger } from './ledger.ts';

export type Grant = {
  /** Hash of the attempt's OAuth credentials (oauth.ts). */
  credentials: string;
  deployment: Deployment;
  network: string | null;
  /** What is written statically; null means dhcp. */
  address: IpAddress | null;
  /** Where the agent was when it claimed. */
  claimedFrom: IpAddress;
};

export type Window = { open: true; grant: Grant } | { open: false; why: 'not-granted' | 'attempt-not-done' | 'phoned-home' | 'not-deploying' | 'superseded' };

export function windowOf(ledger: Ledger | undefined, policy: BootPolicy | undefined): Window {
  const closed = (why: Extract<Window, { open: false }>['why']): Window => ({ open: false, why });
  if (ledger?.grant === undefined) return closed('not-granted');
  if (ledger.outcome !== 'succeeded') return closed('attempt-not-done');
  if (ledger.phoneHome?.spent === true) return closed('phoned-home');
  if (policy?.status !== 'Deploying') return closed('not-deploying');
  if (policy.operation !== null && policy.operation.attempt !== ledger.attempt) return closed('superseded');
  return { open: true, grant: ledger.grant };
}

/** Addresses that are this machine's by what it was told, though dhcp may have forgotten it: a static one is never renewed. */
export const isGranted = (grant: Grant, address: IpAddress): boolean => address === grant.address || address === grant.claimedFrom;

/** What the written system's first boot may read, and to whom: shared by the NoCloud seed and MAAS's metadata. */
import { IronbusError, type BootPolicy, type NodeId } from '@ironbus/contracts';
import type { Speaker } from '../core/events.ts';
import { isGranted, windowOf, type Grant } from '../core/grant.ts';
import type { Ledger } from '../core/ledger.ts';
import { hashCredentials, type Credentials } from '../core/oauth.ts';
import type { SeedFrom } from '../core/seed.ts';
import { askerOf, type Asking } from './asker.ts';
import type { Context } from './context.ts';
import { readUserData } from './deploy-data.ts';
import { hashToken, newToken } from './ledgers.ts';
import { refused } from './observe.ts';

export type Granted = { node: NodeId; policy: BootPolicy; ledger: Ledger; grant: Grant };
export type About = { asking: Asking; path: string; mac: Ledger['mac'] | null };

/**
 * Throws AUTH_FORBIDDEN for another machine and outside the window, NOT_READY where it is not known yet who asks; each is published.
 * `authenticated`: the asker showed this attempt's credentials, so that it may also come from an address that dhcp has forgotten.
 */
export function requireGranted(context: Context, node: NodeId | undefined, { ledger, about, authenticated }: { ledger: Ledger | undefined; about: About; authenticated: boolean }): Granted {
  const { views } = context;
  if (!views.heard()) throw new IronbusError('NOT_READY', 'the rack has not heard its policies yet: ask again');
  const mac = ledger?.mac ?? about.mac;
  const policy = mac === null ? undefined : views.policyOf(mac);
  const asker = mac === null ? 'unbound' : askerOf(mac, about.asking.binding, views.policyOf);
  if (asker === 'foreign') throw refuse(context, about, { reason: 'asker-foreign', says: 'this address is another machine’s' });
  const window = windowOf(ledger, policy);
  if (asker === 'unbound' && !(authenticated && window.open && isGranted(window.grant, about.asking.address))) {
    refused(context, about, 'asker-unbound');
    throw new IronbusError('NOT_READY', 'the rack does not know this address as this machine’s: ask again');
  }
  if (!window.open) throw refuse(context, about, { reason: `metadata-${window.why}`, says: `nothing is to be had now (${window.why})` });
  return { node: node as NodeId, policy: policy as BootPolicy, ledger: ledger as Ledger, grant: window.grant };
}

function refuse(context: Context, about: About, { reason, says }: { reason: string; says: string }): IronbusError {
  refused(context, about, reason);
  return new IronbusError('AUTH_FORBIDDEN', says);
}

type Needs = { userData: boolean; phoneHome: boolean; credentials?: Credentials | undefined };

/** User-data is unsealed and a phone-home token made only where they are about to go out. */
export async function grantedSeed(context: Context, granted: Granted, { asking, needs }: { asking: Asking; needs: Needs }): Promise<SeedFrom> {
  const { node, policy, ledger, grant } = granted;
  const secret = needs.phoneHome ? await armPhoneHome(context, granted, needs.credentials) : undefined;
  return {
    node, mac: ledger.mac, deployment: grant.deployment, network: context.views.networks.get(grant.network ?? '') ?? asking.network, address: grant.address ?? undefined,
    userData: needs.userData ? await readUserData(context, policy, grant.deployment) : null,
    phoneHomeUrl: secret === undefined ? undefined : `${asking.baseUrl}/phone-home/${node}/${secret}`,
  };
}

/** A fresh token for every vendor-data that goes out; none once the machine has called. */
async function armPhoneHome(context: Context, { node, ledger }: Granted, credentials: Credentials | undefined): Promise<string | undefined> {
  const secret = newToken();
  const speaker: Speaker = { node, known: true, mac: ledger.mac, rack: context.config.rackId, network: null, bootId: null, address: '0.0.0.0' as Speaker['address'], ledgerKey: node };
  const move = await context.ledgers.apply({ do: 'arm-phone-home', hash: hashToken(secret), credentials: credentials && hashCredentials(credentials) }, speaker);
  return move.ok ? secret : undefined;
}

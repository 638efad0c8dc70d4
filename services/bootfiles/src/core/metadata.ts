/**
 * MAAS's metadata tree as cloud-init's DataSourceMAAS reads it (features.md §4), and what is written to the disk so that it does. Pure.
 * A file that this deployment has not is undefined, which has to become 404: cloud-init gives up at any other error.
 */
import type { NodeId } from '@ironbus/contracts';
import type { Credentials } from './oauth.ts';
import { networkConfig, userAndVendorData, type SeedFrom } from './seed.ts';

/** The version that cloud-init asks for, and MAAS's word for the newest; there is one. */
export const versions = ['2012-03-01', 'latest'];

const lines = (names: readonly string[]): string => names.map((name) => `${name}\n`).join('');

/** `path` is below the version, with its last slash where it is a folder. */
export function renderMetadata(path: string, from: SeedFrom): string | undefined {
  const { deployment } = from;
  const keys = deployment.sshKeys;
  switch (path) {
    case '': return lines(['meta-data/', ...(from.userData === null ? [] : ['user-data'])]);
    case 'meta-data/': return lines(['instance-id', 'local-hostname', ...(keys.length === 0 ? [] : ['public-keys']), 'vendor-data']);
    case 'meta-data/instance-id': return deployment.instanceId;
    case 'meta-data/local-hostname': return deployment.hostname;
    case 'meta-data/public-keys': return keys.length === 0 ? undefined : lines(keys);
    case 'meta-data/vendor-data': return `${JSON.stringify({ 'cloud-init': userAndVendorData(from)['vendor-data'] })}\n`;
    case 'user-data': return from.userData ?? undefined;
    default: return undefined;
  }
}

/** Which secrets a path needs: user-data is unsealed and a phone-home token made for nothing else. */
export const needsOf = (path: string): { userData: boolean; phoneHome: boolean } => ({ userData: path === '' || path === 'user-data', phoneHome: path === 'meta-data/vendor-data' });

export type Rack = { baseUrl: string; node: NodeId; credentials: Credentials };

const oauth = ({ consumerKey, tokenKey, tokenSecret }: Credentials) => ({ consumer_key: consumerKey, token_key: tokenKey, token_secret: tokenSecret });

/** cloud-init's `reporting`; short of patience, for cloud-init waits for it and the rack may be away. */
export const reporting = ({ baseUrl, node, credentials }: Rack): Record<string, unknown> => ({
  maas: { type: 'webhook', endpoint: `${baseUrl}/MAAS/metadata/status/${node}`, ...oauth(credentials), timeout: 5, retries: 1 },
});

/**
 * The one file on the disk of a deployment with `datasource: maas`. The list has a line of its own, which ds-identify reads without a YAML
 * parser; the network is here because this data source brings none.
 */
export function datasourceConfig(rack: Rack, from: SeedFrom): string {
  const maas = { metadata_url: `${rack.baseUrl}/MAAS/metadata/`, ...oauth(rack.credentials), consumer_secret: '' };
  return [
    '# Written by Ironbus when it deployed this machine.', 'datasource_list: [ MAAS, None ]', `datasource: ${JSON.stringify({ MAAS: maas })}`,
    `reporting: ${JSON.stringify(reporting(rack))}`, `network: ${JSON.stringify(networkConfig(from))}`, '',
  ].join('\n');
}

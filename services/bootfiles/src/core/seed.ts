/**
 * The NoCloud seed of one deployment (features.md §4): the same four files, whether the agent writes them to disk or
 * cloud-init fetches them. Everything ours is JSON, which is YAML. Pure.
 */
import type { Deployment, IpAddress, Mac, Network, NodeId } from '@ironbus/contracts';

export const seedFiles = ['meta-data', 'user-data', 'vendor-data', 'network-config'] as const;
export type SeedFile = (typeof seedFiles)[number];

export type SeedFrom = {
  deployment: Deployment; node: NodeId; mac: Mac; network: Network | undefined;
  /** What is written statically; undefined means dhcp. */
  address: IpAddress | undefined;
  userData: string | null;
  /** Undefined once the machine has called: its token is spent. */
  phoneHomeUrl: string | undefined;
  /** cloud-init's `reporting`, where the seed is fetched at each boot. On a disk it would outlive the rack. */
  reporting?: Record<string, unknown> | undefined;
};

export function renderSeed(from: SeedFrom): Record<SeedFile, string> {
  return {
    'meta-data': json({
      'instance-id': from.deployment.instanceId, 'local-hostname': from.deployment.hostname, 'public-keys': from.deployment.sshKeys,
    }),
    ...userAndVendorData(from),
    'network-config': json(networkConfig(from)),
  };
}

export const userAndVendorData = (from: SeedFrom): Record<'user-data' | 'vendor-data', string> => ({
  'user-data': from.userData ?? '#cloud-config\n{}\n', 'vendor-data': `#cloud-config\n${json(vendorData(from))}`,
});

const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

/** `phone_home` retries for about as long as a rack takes to come back; the owner's user-data is merged over all of this. */
function vendorData(from: SeedFrom): Record<string, unknown> {
  const domain = from.network?.domain ?? null;
  return {
    hostname: from.deployment.hostname, fqdn: domain === null ? from.deployment.hostname : `${from.deployment.hostname}.${domain}`,
    preserve_hostname: false, manage_etc_hosts: 'localhost', ...account(from.deployment.user),
    ...(from.phoneHomeUrl !== undefined && {
      phone_home: { url: from.phoneHomeUrl, post: ['pub_key_rsa', 'pub_key_ecdsa', 'pub_key_ed25519', 'instance_id', 'hostname', 'fqdn'], tries: 30 },
    }),
    ...(from.reporting !== undefined && { reporting: from.reporting }),
  };
}

/**
 * Whose the keys of meta-data are (cloud-init's cc_ssh gives them to the default user and to root). `user` renames the
 * default user and keeps its groups and shell; root's keys count only without `disable_root`, which stock images set.
 */
function account(name: string | undefined): Record<string, unknown> {
  if (name === undefined) return {};
  return name === 'root' ? { disable_root: false } : { user: { name, lock_passwd: true, sudo: 'ALL=(ALL) NOPASSWD:ALL' } };
}

/**
 * Version 2. `set-name` is needed: cloud-init's eni and sysconfig renderers take the entry's own name for the interface
 * unless it is renamed. `boot0` collides with no name a kernel or udev gives. `gateway4` because the eni renderer turns
 * `routes` into calls of net-tools, which small images do not have.
 */
export function networkConfig(from: SeedFrom): Record<string, unknown> {
  const { network, address } = from;
  const matched = { match: { macaddress: from.mac }, 'set-name': 'boot0', ...(network?.mtu != null && { mtu: network.mtu }) };
  if (from.deployment.addressing === 'dhcp' || network === undefined || address === undefined) {
    return { version: 2, ethernets: { boot0: { ...matched, dhcp4: true } } };
  }
  const names = { ...(network.dnsServers.length > 0 && { addresses: network.dnsServers }), ...(network.domain !== null && { search: [network.domain] }) };
  return {
    version: 2,
    ethernets: {
      boot0: {
        ...matched, dhcp4: false, addresses: [`${address}/${network.cidr.split('/')[1]}`],
        ...(network.gateway !== null && { gateway4: network.gateway }),
        ...(Object.keys(names).length > 0 && { nameservers: names }),
      },
    },
  };
}

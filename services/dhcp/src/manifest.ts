import {
  bindingsBucket, bootPoliciesBucket, defineManifest, dhcpAddressConflict, dhcpAuthorityRefused, dhcpBootAnswered, dhcpDiscover, dhcpFloodLimited, dhcpIgnored, dhcpInform,
  dhcpNak, dhcpProbed, dhcpRequest, dhcpRogueServerSeen, dhcpServersBucket, dhcpStoreLost, dhcpStoreRegained, leaseDeclined, leaseExpired, leaseGranted,
  leaseOffered, leaseReleased, leaseRenewed, networkProbeRequested, networksBucket,
} from '@ironbus/contracts';

export const probeNetwork = { durable: 'dhcp-probe-network', events: [networkProbeRequested] } as const;

/** `power.changed` of the rack is tailed besides, without a durable: it only sharpens where a boot begins. */
export const manifest = defineManifest({
  service: 'dhcp',
  publishes: [
    leaseOffered, leaseGranted, leaseRenewed, leaseReleased, leaseExpired, leaseDeclined,
    dhcpDiscover, dhcpRequest, dhcpInform, dhcpNak, dhcpIgnored, dhcpBootAnswered,
    dhcpRogueServerSeen, dhcpAuthorityRefused, dhcpProbed, dhcpAddressConflict, dhcpStoreLost, dhcpStoreRegained, dhcpFloodLimited,
  ],
  consumes: [probeNetwork],
  writes: [bindingsBucket, dhcpServersBucket],
  watches: [networksBucket, bootPoliciesBucket, bindingsBucket, dhcpServersBucket],
});

import {
  bindingsBucket, bootPoliciesBucket, defineManifest, dhcpDiscover, dhcpIgnored, dhcpInform, dhcpNak, dhcpRequest, leaseDeclined, leaseExpired,
  leaseGranted, leaseOffered, leaseReleased, leaseRenewed, networksBucket,
} from '@ironbus/contracts';

/** `power.changed` of the rack is tailed besides, without a durable: it only sharpens where a boot begins. */
export const manifest = defineManifest({
  service: 'dhcp',
  publishes: [
    leaseOffered, leaseGranted, leaseRenewed, leaseReleased, leaseExpired, leaseDeclined,
    dhcpDiscover, dhcpRequest, dhcpInform, dhcpNak, dhcpIgnored,
  ],
  consumes: [],
  writes: [bindingsBucket],
  watches: [networksBucket, bootPoliciesBucket, bindingsBucket],
});

/** UniFi Network: its "Network Boot" names one server and one file for every client (help.ui.com, "DHCP Server options"). */
import type { ForeignSettings, Place } from './boot.ts';

export const unifi = (place: Place): ForeignSettings => ({
  server: 'unifi', product: 'UniFi Network (Dream Machine, Cloud Gateway, UXG)', where: `Settings > Networks > the network ${place.cidr} > DHCP`,
  settings: [
    'Network Boot:          off', 'DHCP options 66, 67:   none', '', 'And in Ironbus, so that it answers the boot questions beside UniFi:', '',
    `  "mode": "proxy"   in the description of network ${place.id}, then: ironbus networks set FILE`, '',
  ].join('\n'),
  limits: [
    'UniFi has one boot file for all clients: BIOS, UEFI x64 and arm64 need three, and iPXE a fourth',
    'a loader named there is named to iPXE too, which then loads itself for ever: that is why Network Boot has to stay off',
    'UniFi can send neither option 175 to iPXE nor option 60 to UEFI HTTP boot',
    'an older UniFi Security Gateway (USG) takes the edgeos settings, as config.gateway.json',
  ],
});

/** pfSense: the form (services_dhcp.php) has no file for iPXE, but with Kea it takes JSON that it merges into "Dhcp4". */
import { byHand, everywhere, type ForeignSettings, type Place } from './boot.ts';
import { keaClasses } from './kea.ts';

export const pfsense = (place: Place): ForeignSettings => ({
  server: 'pfsense', product: 'pfSense CE 2.8 or Plus 24.11, or newer, with the Kea backend',
  where: 'Services > DHCP Server > Settings > Custom Configuration > JSON Configuration; leave Network Booting of the interface off',
  settings: `${JSON.stringify(keaClasses(place), null, 2)}\n`,
  limits: [
    everywhere,
    'the fields of Network Booting alone can not do it: they have no file for iPXE, which would load itself for ever',
    'with the ISC backend, or an older pfSense, leave Network Booting off and set mode "proxy" here', byHand,
  ],
});

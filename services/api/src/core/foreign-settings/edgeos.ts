/**
 * EdgeOS (EdgeRouter): ISC dhcpd behind a command line. `&quot;` is how a double quote is written in a value; the single quotes
 * outside keep its shell from expanding what is for iPXE.
 */
import { byHand, type ForeignSettings, type Place } from './boot.ts';
import { iscBranches, iscDefinitions } from './isc.ts';

export const edgeos = (place: Place): ForeignSettings => ({
  server: 'edgeos', product: 'EdgeOS 1.9 or newer, with its usual DHCP server',
  where: 'by ssh, as commands; LAN is the name that "show service dhcp-server" gives the network',
  settings: commands(place),
  limits: [
    'with "use-dnsmasq enable" these parameters are not read: use the dnsmasq settings then, as a file in /etc/dnsmasq.d',
    'a line that dhcpd refuses keeps the whole server from starting: look at "show dhcp leases" after the commit', byHand,
  ],
});

function commands(place: Place): string {
  const subnet = `set service dhcp-server shared-network-name LAN subnet ${place.cidr} subnet-parameters`;
  return `${[
    'configure',
    ...iscDefinitions.map((line) => `set service dhcp-server global-parameters ${quoted(line)}`),
    `${subnet} ${quoted(`next-server ${place.serverAddress};`)}`,
    `${subnet} ${quoted(iscBranches(place).join(' '))}`,
    'commit', 'save', 'exit',
  ].join('\n')}\n`;
}

const quoted = (text: string): string => `'${text.replaceAll('"', '&quot;')}'`;

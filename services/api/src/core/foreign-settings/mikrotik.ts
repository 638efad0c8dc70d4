/** MikroTik RouterOS 7: options, option sets and the generic matcher (since 7.4). A `$` inside its quotes is escaped. */
import { firmwares, hexOf, byHand, noProxyDhcp, scriptUrl, type Firmware, type ForeignSettings, type Place } from './boot.ts';

export const mikrotik = (place: Place): ForeignSettings => ({
  server: 'mikrotik', product: 'RouterOS 7.4 or newer', where: 'in a terminal; dhcp1 is the name that "/ip dhcp-server print" gives the server of the network',
  settings: commands(place),
  limits: [
    'an iPXE is matched by its user class and by its architecture too, and RouterOS documents no order among matchers: ironbus-ipxe '
    + 'has to be the first of "/ip dhcp-server matcher print"; if iPXE loads itself again and again, remove the matchers and set mode "proxy" here',
    'the matchers do not tell UEFI PXE from an operating system that names its architecture: few do', byHand,
  ],
});

function commands(place: Place): string {
  const rows = firmwares(place);
  return `${[
    '/ip dhcp-server option',
    `add name=ironbus-tftp code=66 value="s'${place.serverAddress}'"`,
    `add name=ironbus-http code=60 value="s'HTTPClient'"`,
    `add name=ironbus-no-proxy code=175 value=0x${hexOf(noProxyDhcp, '')}`,
    file('ipxe', scriptUrl(place)), ...rows.map((row) => file(row.name, row.file)),
    '/ip dhcp-server option sets',
    'add name=ironbus-ipxe options=ironbus-file-ipxe,ironbus-no-proxy', ...rows.map(set),
    '/ip dhcp-server matcher',
    'add name=ironbus-ipxe server=dhcp1 code=77 value="iPXE" option-set=ironbus-ipxe', ...rows.flatMap(matchers),
    '/ip dhcp-server network',
    `set [find address=${place.cidr}] next-server=${place.serverAddress}`,
  ].join('\n')}\n`;
}

const file = (name: string, text: string): string => `add name=ironbus-file-${name} code=67 value="s'${text.replaceAll('$', '\\$')}'"`;
const set = ({ name, vendorClass }: Firmware): string =>
  `add name=ironbus-${name} options=ironbus-file-${name},${vendorClass === 'HTTPClient' ? 'ironbus-http' : 'ironbus-tftp'}`;
const matchers = ({ name, architectures }: Firmware): string[] =>
  architectures.map((code) => `add name=ironbus-${name}-${code} server=dhcp1 code=93 value=0x${code.toString(16).padStart(4, '0')} option-set=ironbus-${name}`);

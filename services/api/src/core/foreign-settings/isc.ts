/** ISC dhcpd: dhcp-eval(5), dhcp-options(5). Names of its own for options 93 and 175, since older versions know neither. */
import { byHand, everywhere, firmwares, hexOf, noProxyDhcp, scriptUrl, type Firmware, type ForeignSettings, type Place } from './boot.ts';

export const isc = (place: Place): ForeignSettings => ({
  server: 'isc', product: 'ISC dhcpd 4.1 or newer',
  where: `a file /etc/dhcp/ironbus-${place.id}.conf, and in dhcpd.conf before the subnets: include "/etc/dhcp/ironbus-${place.id}.conf";`,
  settings: iscFile(place),
  limits: [
    everywhere,
    'dhcpd has one name for each option code: where its configuration names 93 or 175 already, use those names and leave these two lines out', byHand,
  ],
});

export const iscDefinitions = ['option ironbus-arch code 93 = unsigned integer 16;', 'option ironbus-ipxe code 175 = string;'] as const;

/**
 * The statements that choose, one branch a line. A chain, since a condition about an option that was not sent is neither true nor
 * false in dhcpd: `not` of it does not hold either, but `elsif` goes on.
 */
export function iscBranches(place: Place): string[] {
  const ipxe = `if substring(option user-class, 0, 4) = "iPXE" { filename "${scriptUrl(place)}"; option ironbus-ipxe ${hexOf(noProxyDhcp, ':')}; }`;
  return [ipxe, ...firmwares(place).map((firmware) => `elsif ${isFirmware(firmware)} { ${statements(firmware)} }`)];
}

/** `and` binds tighter than `or`, so the architectures have parentheses. */
function isFirmware({ vendorClass, architectures }: Firmware): string {
  const codes = architectures.map((code) => `option ironbus-arch = ${hexOf(Uint8Array.of(code >> 8, code & 255), ':')}`).join(' or ');
  return `${isClass(vendorClass)} and (${codes})`;
}

const isClass = (name: string): string => `substring(option vendor-class-identifier, 0, ${name.length}) = "${name}"`;

const statements = ({ vendorClass, file }: Firmware): string =>
  `filename "${file}";${vendorClass === 'HTTPClient' ? ' option vendor-class-identifier "HTTPClient";' : ''}`;

const iscFile = (place: Place): string => `${[
  `# Machines on ${place.cidr} boot from Ironbus (network ${place.id}).`,
  ...iscDefinitions,
  'class "ironbus" {', `  match if ${isClass('PXEClient')} or ${isClass('HTTPClient')};`, `  next-server ${place.serverAddress};`,
  ...iscBranches(place).map((line) => `  ${line}`), '}',
].join('\n')}\n`;

/** dnsmasq(8): `dhcp-match`, `dhcp-boot`, `dhcp-option`, `dhcp-option-force`; the `encap` and `1b` forms are those of its own example file. */
import { byHand, everywhere, firmwares, scriptUrl, type Firmware, type ForeignSettings, type Place } from './boot.ts';

export const dnsmasq = (place: Place): ForeignSettings => ({
  server: 'dnsmasq', product: 'dnsmasq 2.53 or newer', where: `a file /etc/dnsmasq.d/ironbus-${place.id}.conf, then restart dnsmasq`,
  settings: dnsmasqFile(place), limits: [everywhere, byHand],
});

export function dnsmasqFile(place: Place): string {
  const { serverAddress } = place;
  return `${[
    `# Machines on ${place.cidr} boot from Ironbus (network ${place.id}).`,
    'dhcp-userclass=set:ironbus-ipxe,iPXE',
    ...['PXEClient', 'HTTPClient'].map((name) => `dhcp-vendorclass=set:ironbus-${name.toLowerCase()},${name}`),
    ...firmwares(place).flatMap(({ name, architectures }) => architectures.map((code) => `dhcp-match=set:ironbus-${name},option:client-arch,${code}`)),
    `dhcp-boot=tag:ironbus-ipxe,${scriptUrl(place)},,${serverAddress}`,
    'dhcp-option=tag:ironbus-ipxe,encap:175,176,1b',
    ...firmwares(place).flatMap((firmware) => boot(place, firmware)),
  ].join('\n')}\n`;
}

function boot({ serverAddress }: Place, { name, vendorClass, file }: Firmware): string[] {
  const tags = `tag:!ironbus-ipxe,tag:ironbus-${vendorClass.toLowerCase()},tag:ironbus-${name}`;
  if (vendorClass === 'PXEClient') return [`dhcp-boot=${tags},${file},,${serverAddress}`];
  return [`dhcp-option-force=${tags},60,HTTPClient`, `dhcp-boot=${tags},${file}`];
}

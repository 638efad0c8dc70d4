/** OPNsense: its dnsmasq reads /usr/local/etc/dnsmasq.conf.d/*.conf (template OPNsense/Dnsmasq/dnsmasq.conf); the ISC form has fields. */
import { byHand, everywhere, scriptUrl, type ForeignSettings, type Place } from './boot.ts';
import { dnsmasqFile } from './dnsmasq.ts';

export const opnsense = (place: Place): ForeignSettings => ({
  server: 'opnsense', product: 'OPNsense 25.1 or newer with Dnsmasq; ISC DHCPv4 by its form',
  where: `a file /usr/local/etc/dnsmasq.conf.d/ironbus-${place.id}.conf, then restart Dnsmasq`,
  settings: dnsmasqFile(place),
  limits: [
    everywhere,
    `with ISC DHCPv4 (Services > ISC DHCPv4 > Network booting) the fields are: next-server ${place.serverAddress} · default bios filename undionly.kpxe · `
    + `x86 UEFI (32-bit) filename snponly.efi · x64 UEFI/EBC (64-bit) filename snponly.efi · iPXE boot filename ${scriptUrl(place)}; `
    + 'without a value for 32 bit, which no loader is for, the 64-bit one is not read',
    'the ISC form can send neither arm64 its loader, nor option 175 to iPXE, nor option 60 to UEFI HTTP boot',
    'with Kea, OPNsense has one boot file for all: leave it empty and set mode "proxy" here', byHand,
  ],
});

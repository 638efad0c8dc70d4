/** Kea DHCPv4: client classes (ARM §14) whose tests exclude each other, so that the order of evaluation says nothing. */
import { byHand, everywhere, firmwares, hexOf, noProxyDhcp, scriptUrl, type Firmware, type ForeignSettings, type Place } from './boot.ts';

export const kea = (place: Place): ForeignSettings => ({
  server: 'kea', product: 'Kea 1.6 or newer', where: 'merge "client-classes" into the "Dhcp4" of kea-dhcp4.conf, then reload',
  settings: `${JSON.stringify({ Dhcp4: keaClasses(place) }, null, 2)}\n`, limits: [everywhere, byHand],
});

const isIpxe = "substring(option[77].hex,0,4) == 'iPXE'";

/** What belongs into the "Dhcp4" object. */
export function keaClasses(place: Place): { 'client-classes': object[] } {
  const ipxe = {
    name: 'ironbus-ipxe', test: isIpxe, 'next-server': place.serverAddress, 'boot-file-name': scriptUrl(place),
    'option-data': [{ code: 175, space: 'dhcp4', 'csv-format': false, data: hexOf(noProxyDhcp, '').toUpperCase(), 'always-send': true }],
  };
  return { 'client-classes': [ipxe, ...firmwares(place).map((firmware) => keaClass(place, firmware))] };
}

function keaClass(place: Place, { name, vendorClass, architectures, file }: Firmware): object {
  const codes = architectures.map((code) => `option[93].hex == 0x${code.toString(16).padStart(4, '0')}`).join(' or ');
  const test = `not (${isIpxe}) and substring(option[60].hex,0,${vendorClass.length}) == '${vendorClass}' and (${codes})`;
  const http = { 'option-data': [{ name: 'vendor-class-identifier', data: 'HTTPClient', 'always-send': true }] };
  return { name: `ironbus-${name}`, test, 'next-server': place.serverAddress, 'boot-file-name': file, ...(vendorClass === 'HTTPClient' && http) };
}

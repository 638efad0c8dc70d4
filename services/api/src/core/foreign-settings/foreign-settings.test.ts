import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '@ironbus/contracts';
import { foreignServerNames, foreignSettings } from './foreign-settings.ts';

const place = { id: 'lan1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1' as Ipv4, baseUrl: 'http://10.77.0.1:5248' };
const script = `http://10.77.0.1:5248/boot/\${netX/mac:hexhyp}/script.ipxe`;

for (const name of foreignServerNames) {
  test(`${name}: says what for, where, and what it can not do`, () => {
    const { server, product, where, settings, limits } = foreignSettings(name, place);
    assert.equal(server, name);
    for (const text of [product, where, settings, ...limits]) assert.ok(text.length > 5);
    assert.ok(limits.length > 0 && settings.endsWith('\n'));
  });
}

test('each says what chooses a loader: the vendor class, the architecture, and iPXE before both', () => {
  for (const name of ['dnsmasq', 'isc', 'kea', 'edgeos', 'pfsense', 'opnsense', 'mikrotik'] as const) {
    const { settings } = foreignSettings(name, place);
    for (const word of ['undionly.kpxe', 'snponly.efi', 'ipxe-arm64.efi', 'HTTPClient', '10.77.0.1', 'iPXE']) assert.ok(settings.includes(word), `${name}: ${word}`);
    assert.ok(settings.replaceAll('\\$', '$').includes(script), `${name}: ${script}`);
    assert.ok(/b0:?01:?01|176,1b/i.test(settings), `${name}: option 175`);
  }
});

test('EdgeOS: every line is a command, in single quotes, without a double quote that its parser would take', () => {
  const lines = foreignSettings('edgeos', place).settings.trim().split('\n');
  const head = 'set service dhcp-server shared-network-name LAN subnet 10.77.0.0/24 subnet-parameters';
  assert.deepEqual(lines.slice(0, 4), [
    'configure', "set service dhcp-server global-parameters 'option ironbus-arch code 93 = unsigned integer 16;'",
    "set service dhcp-server global-parameters 'option ironbus-ipxe code 175 = string;'", `${head} 'next-server 10.77.0.1;'`,
  ]);
  assert.ok(lines[4]?.startsWith(`${head} 'if substring(option user-class, 0, 4) = &quot;iPXE&quot; { filename &quot;${script}&quot;; option ironbus-ipxe b0:01:01; } elsif `));
  assert.deepEqual(lines.slice(5), ['commit', 'save', 'exit']);
  for (const line of lines) assert.doesNotMatch(line, /"/);
});

test('RouterOS: options, sets, matchers with iPXE first, the next server', () => {
  assert.equal(foreignSettings('mikrotik', place).settings, `/ip dhcp-server option
add name=ironbus-tftp code=66 value="s'10.77.0.1'"
add name=ironbus-http code=60 value="s'HTTPClient'"
add name=ironbus-no-proxy code=175 value=0xb00101
add name=ironbus-file-ipxe code=67 value="s'${script.replace('$', '\\$')}'"
add name=ironbus-file-bios code=67 value="s'undionly.kpxe'"
add name=ironbus-file-x64 code=67 value="s'snponly.efi'"
add name=ironbus-file-arm64 code=67 value="s'ipxe-arm64.efi'"
add name=ironbus-file-http-x64 code=67 value="s'http://10.77.0.1:5248/loaders/snponly.efi'"
add name=ironbus-file-http-arm64 code=67 value="s'http://10.77.0.1:5248/loaders/ipxe-arm64.efi'"
/ip dhcp-server option sets
add name=ironbus-ipxe options=ironbus-file-ipxe,ironbus-no-proxy
add name=ironbus-bios options=ironbus-file-bios,ironbus-tftp
add name=ironbus-x64 options=ironbus-file-x64,ironbus-tftp
add name=ironbus-arm64 options=ironbus-file-arm64,ironbus-tftp
add name=ironbus-http-x64 options=ironbus-file-http-x64,ironbus-http
add name=ironbus-http-arm64 options=ironbus-file-http-arm64,ironbus-http
/ip dhcp-server matcher
add name=ironbus-ipxe server=dhcp1 code=77 value="iPXE" option-set=ironbus-ipxe
add name=ironbus-bios-0 server=dhcp1 code=93 value=0x0000 option-set=ironbus-bios
add name=ironbus-x64-7 server=dhcp1 code=93 value=0x0007 option-set=ironbus-x64
add name=ironbus-x64-9 server=dhcp1 code=93 value=0x0009 option-set=ironbus-x64
add name=ironbus-arm64-11 server=dhcp1 code=93 value=0x000b option-set=ironbus-arm64
add name=ironbus-http-x64-16 server=dhcp1 code=93 value=0x0010 option-set=ironbus-http-x64
add name=ironbus-http-arm64-19 server=dhcp1 code=93 value=0x0013 option-set=ironbus-http-arm64
/ip dhcp-server network
set [find address=10.77.0.0/24] next-server=10.77.0.1
`);
});

test('UniFi: its one file would loop, so its network boot stays off and the mode is proxy', () => {
  const { settings, limits } = foreignSettings('unifi', place);
  assert.match(settings, /^Network Boot: +off$/m);
  assert.match(settings, /"mode": "proxy"/);
  assert.match(limits.join('\n'), /one boot file for all clients/);
});

test('OPNsense’s ISC form and pfSense’s fields: what they are called, and that the latter can not do it', () => {
  assert.match(foreignSettings('opnsense', place).limits.join('\n'), /next-server 10\.77\.0\.1 · default bios filename undionly\.kpxe .* iPXE boot filename http:/);
  const pfsense = foreignSettings('pfsense', place);
  assert.deepEqual(Object.keys(JSON.parse(pfsense.settings) as object), ['client-classes'], 'without the "Dhcp4" key, as the form wants it');
  assert.match(pfsense.limits.join('\n'), /no file for iPXE/);
});

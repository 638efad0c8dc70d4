import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from '../network.ts';
import { validateNetworks } from './validate.ts';

const lan = (changes: object = {}): Network => ({
  id: 'lan1', rack: 'rack1', interface: 'eth0', cidr: '10.77.0.0/24', mode: 'authoritative', serverAddress: '10.77.0.1', baseUrl: 'http://10.77.0.1:5248',
  relayed: false, dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.199' }], reservations: [], gateway: '10.77.0.254', dnsServers: ['10.77.0.1'],
  ntpServers: [], domain: null, leaseSeconds: 3600, mtu: null, unknownMachines: 'enlist', afterEnlist: 'poweroff', ...changes,
} as unknown as Network);
const next = (changes: object = {}): Network =>
  lan({ id: 'lan2', cidr: '10.77.1.0/24', serverAddress: '10.77.1.1', gateway: null, dynamicRanges: [{ from: '10.77.1.5', to: '10.77.1.9' }], ...changes });
const mac = (n: number): string => `52:54:00:77:00:0${n}`;

const rows: [name: string, networks: Network[], expected: string[]][] = [
  ['a good network', [lan()], []],
  ['not a prefix', [lan({ cidr: '10.77.0.0/33' })], ['error /cidr']],
  ['host bits', [lan({ cidr: '10.77.0.5/24' })], ['error /cidr']],
  ['server outside', [lan({ serverAddress: '10.78.0.1' })], ['error /serverAddress']],
  ['server outside, by relay', [lan({ serverAddress: '10.78.0.1', relayed: true })], []],
  ['gateway outside', [lan({ gateway: '10.78.0.1' })], ['error /gateway']],
  ['gateway is the broadcast address', [lan({ gateway: '10.77.0.255' })], ['error /gateway']],
  ['no gateway', [lan({ gateway: null })], []],
  ['range backwards', [lan({ dynamicRanges: [{ from: '10.77.0.20', to: '10.77.0.10' }] })], ['error /dynamicRanges/0']],
  ['range outside', [lan({ dynamicRanges: [{ from: '10.77.0.200', to: '10.77.1.10' }] })], ['error /dynamicRanges/0']],
  ['ranges overlap', [lan({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.120' }, { from: '10.77.0.120', to: '10.77.0.130' }] })],
    ['error /dynamicRanges/1']],
  ['server inside the range', [lan({ dynamicRanges: [{ from: '10.77.0.1', to: '10.77.0.9' }] })], ['error /dynamicRanges/0']],
  ['gateway inside the range', [lan({ gateway: '10.77.0.150' })], ['error /dynamicRanges/0']],
  ['reservation inside the range is allowed', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.150' }] })], []],
  ['MAC reserved twice', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20' }, { mac: mac(1), address: '10.77.0.21' }] })], ['error /reservations/1']],
  ['address reserved twice', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20' }, { mac: mac(2), address: '10.77.0.20' }] })],
    ['error /reservations/1']],
  ['reservation outside', [lan({ reservations: [{ mac: mac(1), address: '10.79.0.20' }] })], ['error /reservations/0']],
  ['reservation of the gateway', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.254' }] })], ['error /reservations/0']],
  ['nothing to give', [lan({ dynamicRanges: [] })], ['warning /dynamicRanges']],
  ['nothing to give, but off', [lan({ dynamicRanges: [], mode: 'off' })], []],
  ['no DNS', [lan({ dnsServers: [] })], ['warning /dnsServers']],
  ['lease too short', [lan({ leaseSeconds: 5 })], ['error /leaseSeconds']],
  ['one inside the other', [lan(), lan({ id: 'lan2', cidr: '10.77.0.0/16' })], ['error /cidr']],
  ['the same on one rack', [lan(), lan({ id: 'lan2' })], ['error /cidr']],
  ['the same on two racks, ranges apart', [lan(), lan({ id: 'lan2', rack: 'rack2', dynamicRanges: [{ from: '10.77.0.10', to: '10.77.0.20' }] })], []],
  ['the same on two racks, one range', [lan(), lan({ id: 'lan2', rack: 'rack2' })], ['error /dynamicRanges/0']],
  ['neighbours', [lan(), lan({ id: 'lan2', cidr: '10.77.1.0/24', serverAddress: '10.77.1.1', gateway: null,
    dynamicRanges: [{ from: '10.77.1.5', to: '10.77.1.9' }] })], []],
  ['a /31', [lan({ cidr: '10.77.0.0/31', serverAddress: '10.77.0.0', gateway: null, dynamicRanges: [{ from: '10.77.0.1', to: '10.77.0.1' }] })], []],

  // managed and unmanaged
  ['reserved range outside', [lan({ reservedRanges: [{ from: '10.77.1.1', to: '10.77.1.9' }] })], ['error /reservedRanges/0']],
  ['reserved range backwards', [lan({ reservedRanges: [{ from: '10.77.0.9', to: '10.77.0.2' }] })], ['error /reservedRanges/0']],
  ['reserved ranges overlap', [lan({ reservedRanges: [{ from: '10.77.0.2', to: '10.77.0.9' }, { from: '10.77.0.9', to: '10.77.0.12' }] })],
    ['error /reservedRanges/1']],
  ['reserved range with gateway and server in it',
    [lan({ reservedRanges: [{ from: '10.77.0.1', to: '10.77.0.9' }, { from: '10.77.0.250', to: '10.77.0.254' }] })], []],
  ['reserved range over the dynamic one', [lan({ reservedRanges: [{ from: '10.77.0.199', to: '10.77.0.210' }] })], ['error /dynamicRanges/0']],
  ['managed: reservation in a reserved range',
    [lan({ reservedRanges: [{ from: '10.77.0.20', to: '10.77.0.29' }], reservations: [{ mac: mac(1), address: '10.77.0.20' }] })], ['error /reservations/0']],
  ['managed: reservation beside it', [lan({ reservedRanges: [{ from: '10.77.0.20', to: '10.77.0.29' }],
    reservations: [{ mac: mac(1), address: '10.77.0.30' }] })], []],
  ['unmanaged: reservation in a reserved range',
    [lan({ managed: false, reservedRanges: [{ from: '10.77.0.20', to: '10.77.0.29' }], reservations: [{ mac: mac(1), address: '10.77.0.20' }] })], []],
  ['unmanaged: reservation in no reserved range', [lan({ managed: false, reservations: [{ mac: mac(1), address: '10.77.0.20' }] })], ['error /reservations/0']],
  ['unmanaged: reservation in the dynamic range', [lan({ managed: false, reservations: [{ mac: mac(1), address: '10.77.0.150' }] })],
    ['error /reservations/0']],
  ['unmanaged: dynamic range alone', [lan({ managed: false })], []],
  ['unmanaged: dynamic range over a reserved one', [lan({ managed: false, reservedRanges: [{ from: '10.77.0.150', to: '10.77.0.160' }] })],
    ['error /dynamicRanges/0']],
  ['unmanaged: nothing is ours', [lan({ managed: false, dynamicRanges: [], mode: 'shadow' })], ['warning /dynamicRanges', 'warning /managed']],
  ['two hosts of one name', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20', hostname: 'web1' },
    { mac: mac(2), address: '10.77.0.21', hostname: 'web1' }] })], ['warning /reservations/1']],
  // modes and times
  ['proxy with ranges', [lan({ mode: 'proxy' })], ['warning /dynamicRanges']],
  ['proxy without', [lan({ mode: 'proxy', dynamicRanges: [], dnsServers: [] })], []],
  ['a lease for ever', [lan({ leaseSeconds: 4_294_967_295 })], ['error /leaseSeconds']],
  ['force without authority', [lan({ mode: 'shadow', force: true })], ['warning /force']],
  ['force with authority', [lan({ force: true })], []],
  ['MTU 1500', [lan({ mtu: 1500 })], []],
  ['MTU 9000', [lan({ mtu: 9000 })], []],
  ['MTU too large for a switch', [lan({ mtu: 65_000 })], ['warning /mtu']],
  ['MTU too small for IPv6', [lan({ mtu: 576 })], ['warning /mtu']],
  // names and servers
  ['a domain', [lan({ domain: 'rack1.example.org' })], []],
  ['a domain with an empty label', [lan({ domain: 'rack1..org' })], ['error /domain']],
  ['a domain with a final dot', [lan({ domain: 'example.org.' })], ['error /domain']],
  ['a domain with a space', [lan({ domain: 'my lab' })], ['error /domain']],
  ['a label of 64', [lan({ domain: `${'a'.repeat(64)}.org` })], ['error /domain']],
  ['search domains', [lan({ searchDomains: ['example.org', 'lab.example.org'] })], []],
  ['a search domain that is none', [lan({ searchDomains: ['example.org', '-x.org'] })], ['error /searchDomains/1']],
  ['a search domain twice', [lan({ searchDomains: ['example.org', 'example.org'] })], ['warning /searchDomains/1']],
  ['search domains of 255 bytes', [lan({ searchDomains: [`${'a'.repeat(60)}.${'b'.repeat(60)}.org`, `${'c'.repeat(60)}.${'d'.repeat(60)}.abcd`] })], []],
  ['search domains of 256 bytes', [lan({ searchDomains: [`${'a'.repeat(60)}.${'b'.repeat(60)}.org`, `${'c'.repeat(60)}.${'d'.repeat(60)}.abcde`] })],
    ['error /searchDomains']],
  ['DNS at 0.0.0.0', [lan({ dnsServers: ['0.0.0.0'] })], ['error /dnsServers/0']],
  ['DNS elsewhere', [lan({ dnsServers: ['9.9.9.9'] })], []],
  ['NTP at the broadcast address', [lan({ ntpServers: ['10.77.0.255'] })], ['error /ntpServers/0']],
  ['NTP by multicast', [lan({ ntpServers: ['224.0.1.1'] })], ['error /ntpServers/0']],
  ['NTP twice', [lan({ ntpServers: ['10.77.0.1', '10.77.0.1'] })], ['warning /ntpServers/1']],
  // static routes
  ['a route', [lan({ staticRoutes: [{ destination: '10.20.0.0/16', gateway: '10.77.0.2' }] })], []],
  ['a route onto the wire', [lan({ staticRoutes: [{ destination: '10.20.0.0/16', gateway: '0.0.0.0' }] })], []],
  ['a route with host bits', [lan({ staticRoutes: [{ destination: '10.20.0.1/16', gateway: '10.77.0.2' }] })], ['error /staticRoutes/0']],
  ['a route to no prefix', [lan({ staticRoutes: [{ destination: '10.20.0.0/40', gateway: '10.77.0.2' }] })], ['error /staticRoutes/0']],
  ['a route by a router elsewhere', [lan({ staticRoutes: [{ destination: '10.20.0.0/16', gateway: '10.78.0.2' }] })], ['error /staticRoutes/0']],
  ['a route twice', [lan({ staticRoutes: [{ destination: '10.20.0.0/16', gateway: '10.77.0.2' }, { destination: '10.20.0.0/16', gateway: '10.77.0.3' }] })],
    ['error /staticRoutes/1']],
  ['the default route', [lan({ staticRoutes: [{ destination: '0.0.0.0/0', gateway: '10.77.0.2' }] })], ['error /staticRoutes/0']],
  ['a route to this network', [lan({ staticRoutes: [{ destination: '10.77.0.0/24', gateway: '10.77.0.2' }] })], ['error /staticRoutes/0']],
  ['more routes than one option holds', [lan({
    staticRoutes: Array.from({ length: 40 }, (_, n) => ({ destination: `10.80.${n}.0/24`, gateway: '10.77.0.2' })) })], ['warning /staticRoutes']],
  // options and menu
  ['options of every type', [lan({ options: [
    { code: 4, type: 'ip', value: '10.77.0.2, 10.77.0.3' }, { code: 23, type: 'u8', value: '64' }, { code: 25, type: 'u16', value: '68,296' },
    { code: 38, type: 'u32', value: '4294967295' }, { code: 100, type: 'text', value: 'CET-1CEST' }, { code: 224, type: 'hex', value: '01:02ff' }] })], []],
  ['an option that is the server’s', [lan({ options: [{ code: 54, type: 'ip', value: '10.0.0.1' }] })], ['error /options/0']],
  ['an option twice', [lan({ options: [{ code: 4, type: 'ip', value: '10.0.0.1' }, { code: 4, type: 'ip', value: '10.0.0.2' }] })], ['error /options/1']],
  ['an option of another type', [lan({ options: [{ code: 4, type: 'ip', value: 'router' }] })], ['error /options/0']],
  ['an option too long for one part', [lan({ options: [{ code: 224, type: 'text', value: 'x'.repeat(256) }] })], ['warning /options/0']],
  ['an option of a host', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20', options: [{ code: 100, type: 'text', value: 'UTC0' }] }] })], []],
  ['an option of a host that is the server’s',
    [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20', options: [{ code: 67, type: 'text', value: 'x' }] }] })], ['error /reservations/0/options/0']],
  ['a menu', [lan({ bootMenu: { prompt: 'F8', timeoutSeconds: 5, entries: [{ text: 'Disk', boots: 'local-disk' }, { text: 'Ironbus', boots: 'ipxe' }] } })],
    []],
  ['no menu', [lan({ bootMenu: null })], []],
  ['a menu with one name twice', [lan({ bootMenu: { prompt: 'F8', timeoutSeconds: 5,
    entries: [{ text: 'Disk', boots: 'local-disk' }, { text: 'Disk', boots: 'ipxe' }] } })], ['error /bootMenu/entries/1']],
  ['a menu no ROM can show', [lan({ bootMenu: { prompt: 'Wählen', timeoutSeconds: 5, entries: [{ text: 'Disk', boots: 'local-disk' }] } })],
    ['error /bootMenu/prompt']],
  ['a menu too large', [lan({ bootMenu: { prompt: 'F8', timeoutSeconds: 5,
    entries: ['a', 'b', 'c', 'd', 'e'].map((text) => ({ text: text.repeat(60), boots: 'ipxe' })) } })], ['error /bootMenu']],
  // wires
  ['one wire, two subnets', [lan(), next()], []],
  ['one wire, two modes', [lan(), next({ mode: 'shadow' })], ['error /mode']],
  ['one wire, one is off', [lan(), next({ mode: 'off' })], []],
  ['one wire, a MAC reserved in both', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20' }] }),
    next({ reservations: [{ mac: mac(1), address: '10.77.1.20' }] })], ['error /reservations/0']],
  ['one fabric and VLAN, two modes', [lan({ fabric: 'f1', vlan: { vid: 20 } }), next({ mode: 'proxy', dynamicRanges: [], fabric: 'f1', vlan: { vid: 20 } })],
    ['error /mode']],
  ['two interfaces, no fabric named', [lan(), next({ interface: 'eth1', mode: 'shadow' })], []],
  ['one VLAN on two interfaces', [lan({ fabric: 'f1', vlan: { vid: 20 } }), next({ interface: 'eth1', fabric: 'f1', vlan: { vid: 20 } })],
    ['error /interface']],
  ['one VLAN on two interfaces of two racks',
    [lan({ fabric: 'f1', vlan: { vid: 20 } }), next({ rack: 'rack2', interface: 'eth1', fabric: 'f1', vlan: { vid: 20 } })], []],
  ['two VLANs on one interface', [lan({ vlan: { vid: 10 } }), next({ vlan: { vid: 20 } })], ['error /vlan']],
  ['two fabrics on one interface', [lan({ fabric: 'f1' }), next({ fabric: 'f2' })], ['error /fabric']],
  ['VLAN interfaces', [lan({ fabric: 'f1' }), next({ fabric: 'f1', interface: 'eth0.20', vlan: { vid: 20 }, mode: 'proxy', dynamicRanges: [] })], []],
  ['relayed VLANs by one interface', [lan({ vlan: { vid: 10 } }), next({ relayed: true, serverAddress: '10.77.0.1', vlan: { vid: 20 }, mode: 'shadow' })], []],
  ['relayed, no VLAN named', [lan({ relayed: true }), next({ relayed: true, mode: 'shadow' })], []],
  ['relayed, one VLAN, two modes', [lan({ relayed: true, vlan: { vid: 10 } }), next({ relayed: true, vlan: { vid: 10 }, mode: 'shadow' })], ['error /mode']],
  ['one VLAN, two names', [lan({ vlan: { vid: 10, name: 'blue' } }), next({ vlan: { vid: 10, name: 'red' } })], ['warning /vlan/name']],
];

for (const [name, networks, expected] of rows) {
  test(`networks: ${name}`, () => {
    assert.deepEqual(validateNetworks(networks).map(({ severity, path }) => `${severity} ${path}`), expected);
  });
}

test('every message has a way out: it says what to do after a colon', () => {
  const said = rows.flatMap(([, networks]) => validateNetworks(networks));
  assert.ok(said.length > 50);
  for (const { message } of said) assert.match(message, /: ./, message);
});

test('a message names the offender and the way out', () => {
  const [problem] = validateNetworks([lan({ gateway: '10.77.0.150' })]);
  assert.equal(problem?.message, 'the gateway 10.77.0.150 is inside the range 10.77.0.100 - 10.77.0.199: it would be given to a machine; split the range around it');
});

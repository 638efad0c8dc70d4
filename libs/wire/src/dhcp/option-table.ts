/** Names and value formats of option codes (IANA "BOOTP Vendor Extensions and DHCP Options", PXE and iPXE additions), as data for explain. */

export type OptionFormat =
  | 'address' | 'addresses' | 'address-pairs' | 'u8' | 'u16' | 'u32' | 'i32' | 'u16s' | 'seconds' | 'flag' | 'text' | 'hex' | 'empty'
  | 'message-type' | 'parameters' | 'overload' | 'client-id' | 'user-class' | 'fqdn' | 'domains' | 'routes' | 'arch' | 'undi' | 'uuid'
  | 'relay' | 'vendor' | 'ipxe';

export type OptionRow = readonly [code: number, name: string, format: OptionFormat];

/** One row for each code, ascending; a code without a row is unassigned or has no fixed meaning and is shown as hex. */
export const optionTable: readonly OptionRow[] = [
  [1, 'subnet mask', 'address'], [2, 'time offset', 'i32'], [3, 'routers', 'addresses'], [4, 'time servers (RFC 868)', 'addresses'],
  [5, 'name servers (IEN 116)', 'addresses'], [6, 'domain name servers', 'addresses'], [7, 'log servers', 'addresses'],
  [8, 'cookie servers', 'addresses'], [9, 'lpr servers', 'addresses'], [10, 'impress servers', 'addresses'],
  [11, 'resource location servers', 'addresses'], [12, 'host name', 'text'], [13, 'boot file size (512-byte blocks)', 'u16'],
  [14, 'merit dump file', 'text'], [15, 'domain name', 'text'], [16, 'swap server', 'address'], [17, 'root path', 'text'],
  [18, 'extensions path', 'text'], [19, 'ip forwarding', 'flag'], [20, 'non-local source routing', 'flag'],
  [21, 'policy filters', 'address-pairs'], [22, 'max datagram reassembly bytes', 'u16'], [23, 'default ttl', 'u8'],
  [24, 'path mtu aging timeout', 'seconds'], [25, 'path mtu plateaus', 'u16s'], [26, 'interface mtu', 'u16'],
  [27, 'all subnets local', 'flag'], [28, 'broadcast address', 'address'], [29, 'perform mask discovery', 'flag'],
  [30, 'mask supplier', 'flag'], [31, 'perform router discovery', 'flag'], [32, 'router solicitation address', 'address'],
  [33, 'static routes (classful)', 'address-pairs'], [34, 'trailer encapsulation', 'flag'], [35, 'arp cache timeout', 'seconds'],
  [36, 'ethernet encapsulation', 'flag'], [37, 'tcp default ttl', 'u8'], [38, 'tcp keepalive interval', 'seconds'],
  [39, 'tcp keepalive garbage', 'flag'], [40, 'nis domain', 'text'], [41, 'nis servers', 'addresses'], [42, 'ntp servers', 'addresses'],
  [43, 'vendor specific information', 'vendor'], [44, 'netbios name servers', 'addresses'], [45, 'netbios datagram servers', 'addresses'],
  [46, 'netbios node type', 'u8'], [47, 'netbios scope', 'text'], [48, 'x font servers', 'addresses'], [49, 'x display managers', 'addresses'],
  [50, 'requested address', 'address'], [51, 'lease time', 'seconds'], [52, 'option overload', 'overload'],
  [53, 'message type', 'message-type'], [54, 'server identifier', 'address'], [55, 'parameter request list', 'parameters'],
  [56, 'message', 'text'], [57, 'maximum message size', 'u16'], [58, 'renewal time (T1)', 'seconds'], [59, 'rebinding time (T2)', 'seconds'],
  [60, 'vendor class identifier', 'text'], [61, 'client identifier', 'client-id'], [62, 'netware/ip domain', 'text'],
  [63, 'netware/ip information', 'hex'], [64, 'nis+ domain', 'text'], [65, 'nis+ servers', 'addresses'], [66, 'tftp server name', 'text'],
  [67, 'boot file name', 'text'], [68, 'mobile ip home agents', 'addresses'], [69, 'smtp servers', 'addresses'], [70, 'pop3 servers', 'addresses'],
  [71, 'nntp servers', 'addresses'], [72, 'www servers', 'addresses'], [73, 'finger servers', 'addresses'], [74, 'irc servers', 'addresses'],
  [75, 'streettalk servers', 'addresses'], [76, 'streettalk directory assistance', 'addresses'], [77, 'user class', 'user-class'],
  [78, 'slp directory agents', 'hex'], [79, 'slp service scope', 'hex'], [80, 'rapid commit', 'empty'], [81, 'client fqdn', 'fqdn'],
  [82, 'relay agent information', 'relay'], [83, 'isns', 'hex'], [85, 'nds servers', 'addresses'], [86, 'nds tree name', 'text'],
  [87, 'nds context', 'text'], [88, 'bcmcs domains', 'domains'], [89, 'bcmcs addresses', 'addresses'], [90, 'authentication', 'hex'],
  [91, 'client last transaction time', 'seconds'], [92, 'associated addresses', 'addresses'], [93, 'client architecture', 'arch'],
  [94, 'client network interface', 'undi'], [95, 'ldap', 'text'], [97, 'client machine uuid', 'uuid'], [98, 'user authentication', 'text'],
  [99, 'civic location', 'hex'], [100, 'time zone (posix)', 'text'], [101, 'time zone (name)', 'text'], [108, 'ipv6-only preferred', 'seconds'],
  [112, 'netinfo address', 'addresses'], [113, 'netinfo tag', 'text'], [114, 'captive portal url', 'text'], [116, 'auto-configure', 'u8'],
  [117, 'name service search', 'u16s'], [118, 'subnet selection', 'address'], [119, 'domain search', 'domains'], [120, 'sip servers', 'hex'],
  [121, 'classless static routes', 'routes'], [122, 'cablelabs client configuration', 'hex'], [123, 'geoconf', 'hex'],
  [124, 'vendor-identifying vendor class', 'hex'], [125, 'vendor-identifying vendor options', 'hex'], [128, 'pxe vendor 128', 'hex'],
  [129, 'pxe vendor 129', 'hex'], [130, 'pxe vendor 130', 'hex'], [131, 'pxe vendor 131', 'hex'], [132, 'pxe vendor 132', 'hex'],
  [133, 'pxe vendor 133', 'hex'], [134, 'pxe vendor 134', 'hex'], [135, 'pxe vendor 135', 'hex'], [136, 'pana agents', 'addresses'],
  [137, 'lost server', 'hex'], [138, 'capwap controllers', 'addresses'], [139, 'mos address', 'hex'], [140, 'mos fqdn', 'hex'],
  [141, 'sip user agent domains', 'domains'], [142, 'andsf servers', 'addresses'], [143, 'sztp redirect', 'hex'], [144, 'geoloc', 'hex'],
  [145, 'forcerenew nonce capable', 'hex'], [146, 'rdnss selection', 'hex'], [147, 'dots reference identifier', 'text'],
  [148, 'dots addresses', 'addresses'], [150, 'tftp servers', 'addresses'], [151, 'lease query status', 'hex'], [152, 'lease query base time', 'seconds'],
  [153, 'start time of state', 'seconds'], [154, 'query start time', 'seconds'], [155, 'query end time', 'seconds'], [156, 'lease query state', 'u8'],
  [157, 'data source', 'u8'], [158, 'port control protocol servers', 'hex'], [159, 'port parameters', 'hex'], [161, 'manufacturer usage url', 'text'],
  [175, 'ipxe encapsulated options', 'ipxe'], [203, 'ipxe iscsi initiator name', 'text'], [208, 'pxelinux magic', 'hex'],
  [209, 'pxelinux configuration file', 'text'], [210, 'pxelinux path prefix', 'text'], [211, 'pxelinux reboot time', 'seconds'],
  [212, '6rd', 'hex'], [213, 'access network domain', 'hex'], [220, 'subnet allocation', 'hex'], [221, 'virtual subnet selection', 'hex'],
  [235, 'requested by OVMF HTTP boot', 'hex'], [249, 'classless static routes (microsoft)', 'routes'], [252, 'web proxy auto-discovery', 'text'],
];

const byCode: ReadonlyMap<number, OptionRow> = new Map(optionTable.map((row) => [row[0], row]));

/** The name of a code, or `option N`. */
export function optionName(code: number): string {
  return byCode.get(code)?.[1] ?? `option ${code}`;
}

/** The format of a code's value; 'hex' when nothing is known. */
export function optionFormat(code: number): OptionFormat {
  return byCode.get(code)?.[2] ?? 'hex';
}

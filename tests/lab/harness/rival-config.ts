/** The configuration files of the rival stack: dnsmasq and nginx. Pure. */
import type { Lab } from './lab.ts';

export type RivalBoot = {
  /** Served by TFTP to firmware without iPXE, by DHCP architecture (option 93): file names inside the served directory. */
  loaders: { bios: string; uefi: string };
  /** The iPXE script's file name in the served directory, given to iPXE as a URL. */
  script: string;
};

/**
 * dnsmasq as a good administrator would tune it: `no-ping` (3 s less before the first offer), option 175.176 = 1 (iPXE
 * does not wait for a ProxyDHCP offer), router advertisements (iPXE does not wait 16 s for one).
 */
export function dnsmasqConf(lab: Lab, dirs: { files: string; state: string }, boot: RivalBoot): string {
  const a = lab.addresses;
  return [
    'port=0', 'no-ping', 'bind-interfaces', 'interface=pv0', 'except-interface=lo', 'dhcp-authoritative', 'log-dhcp', 'user=root',
    `dhcp-leasefile=${dirs.state}/dnsmasq.leases`,
    `dhcp-range=${lab.base}.0.100,${lab.base}.0.199,255.255.255.0,1h`,
    `dhcp-option=option:router,${a.prov}`, `dhcp-option=option:dns-server,${a.prov}`,
    'enable-tftp', `tftp-root=${dirs.files}`,
    'dhcp-userclass=set:ipxe,iPXE',
    'dhcp-match=set:bios,option:client-arch,0', 'dhcp-match=set:uefi,option:client-arch,7', 'dhcp-match=set:uefi,option:client-arch,9',
    `dhcp-boot=tag:bios,tag:!ipxe,${boot.loaders.bios}`,
    `dhcp-boot=tag:uefi,tag:!ipxe,${boot.loaders.uefi}`,
    `dhcp-boot=tag:ipxe,http://${a.prov}/${boot.script}`,
    'dhcp-option=encap:175,176,1b', 'enable-ra', 'dhcp-range=::,constructor:pv0,ra-only',
    '',
  ].join('\n');
}

/** nginx as a plain static server of one directory on prov's port 80: one worker, sendfile, its paths all in `state`. */
export function nginxConf(lab: Lab, dirs: { files: string; state: string }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dirs.state}/${name};`);
  return [
    'user root;', 'worker_processes 1;', 'daemon off;', `pid ${dirs.state}/nginx.run;`, 'error_log stderr;',
    'events { worker_connections 256; }',
    'http {', 'default_type application/octet-stream;', 'sendfile on;', 'tcp_nopush on;', 'keepalive_timeout 65;',
    `access_log ${dirs.state}/access.log;`, ...temporary,
    `server { listen ${lab.addresses.prov}:80; root ${dirs.files}; }`,
    '}', '',
  ].join('\n');
}

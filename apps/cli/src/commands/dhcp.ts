/** `ironbus dhcp …`: who has which address, who else answers on a network, and a packet or a capture in words (which needs no region). */
import type { Command } from 'commander';
import type { ForeignServer, Mac } from '@ironbus/contracts';
import { explain, parseHex, readCapture, type Datagram } from '@ironbus/wire';
import { CliError } from '../core/errors.ts';
import { serverHeaders, serverRow } from '../core/network.ts';
import { formatTable } from '../core/table.ts';
import { readBytes } from '../shell/client.ts';
import { path, type Cli } from '../shell/context.ts';

const dhcpPorts: ReadonlySet<number> = new Set([67, 68, 4011]);

type Lease = {
  mac: Mac; address: string; network: string; hostname: string | null; domainName: string | null; expiresAt: string; state: string;
  client: string | null; node: string | null;
};
type Probed = { network: string; device: string; servers: ForeignServer[]; failure: string | null };

export function dhcpCommands(program: Command, cli: Cli): void {
  const dhcp = program.command('dhcp').description('Leases, other DHCP servers, packets');
  dhcp.command('decode <file>').description('Explain a packet in hex, or every DHCP packet of a pcap or pcapng file (- reads standard input)')
    .action(async (file: string) => cli.print(packetsOf(await readBytes(file), file), (packets) =>
      packets.map(({ head, text }) => (head === undefined ? text : `${head}\n${text}`)).join('\n\n')));
  dhcp.command('leases').description('Who has which address')
    .option('--network <network>').option('--mac <mac>').option('--address <address>').action(async (filters: Record<string, string>) => {
    const query = new URLSearchParams(filters).toString();
    cli.table(await (await cli.client()).get<Lease[]>(`/api/v1/leases${query === '' ? '' : `?${query}`}`),
      ['ADDRESS', 'MAC', 'NETWORK', 'NAME', 'STATE', 'UNTIL', 'CLIENT', 'MACHINE'],
      (lease) => [lease.address, lease.mac, lease.network, lease.domainName ?? lease.hostname, lease.state, lease.expiresAt, lease.client, lease.node]);
  });
  dhcp.command('probe <network>').description('List the other DHCP servers that answer on a network').action(async (id: string) => {
    const { status, body } = await (await cli.client()).call<Probed>('POST', path`/api/v1/networks/${id}/probe`);
    if (status === 202) throw new CliError('PROBE_UNANSWERED',
      `the rack of ${id} said nothing in time: "ironbus networks status ${id}" shows whether its dhcp service lives`);
    if (body.failure !== null) throw new CliError('PROBE_FAILED', `${id} could not be probed: ${body.failure}`);
    cli.print(body, ({ device, servers }) => (servers.length === 0 ? `no other DHCP server answers on ${id} (${device})`
      : formatTable(serverHeaders, servers.map(serverRow), cli.io.width)));
  });
}

type Packet = { head?: string; text: string };

/** Throws INPUT_INVALID for what is neither a capture nor hex. */
export function packetsOf(bytes: Buffer, name: string): Packet[] {
  const capture = readCapture(bytes);
  if (capture.ok) return capture.datagrams.filter((datagram) => dhcpPorts.has(datagram.targetPort) || dhcpPorts.has(datagram.sourcePort)).map(describe);
  if (bytes.includes(0)) throw new CliError('INPUT_INVALID', `${name} is neither hex text nor a pcap or pcapng file (${capture.why} at byte ${capture.at})`);
  const hex = parseHex(bytes.toString('utf8'));
  if (!hex.ok) throw new CliError('INPUT_INVALID', `${name}: line ${hex.line} is not hex`);
  return [{ text: explain(hex.bytes) }];
}

const describe = (datagram: Datagram): Packet => ({
  head: `${new Date(datagram.timeMs).toISOString()} ${datagram.source}:${datagram.sourcePort} > ${datagram.target}:${datagram.targetPort}`,
    text: explain(datagram.payload),
});

/** `ironbus dhcp decode`: a packet or a capture in words. Needs no region. */
import type { Command } from 'commander';
import { explain, parseHex, readCapture, type Datagram } from '@ironbus/wire';
import { CliError } from '../core/errors.ts';
import { readBytes } from '../shell/client.ts';
import type { Cli } from '../shell/context.ts';

const dhcpPorts: ReadonlySet<number> = new Set([67, 68, 4011]);

export function dhcpCommands(program: Command, cli: Cli): void {
  program.command('dhcp').description('Tools for DHCP').command('decode <file>').description('Explain a packet in hex, or every DHCP packet of a pcap or pcapng file (- reads standard input)')
    .action(async (file: string) => cli.print(packetsOf(await readBytes(file), file), (packets) => packets.map(({ head, text }) => (head === undefined ? text : `${head}\n${text}`)).join('\n\n')));
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
  head: `${new Date(datagram.timeMs).toISOString()} ${datagram.source}:${datagram.sourcePort} > ${datagram.target}:${datagram.targetPort}`, text: explain(datagram.payload),
});

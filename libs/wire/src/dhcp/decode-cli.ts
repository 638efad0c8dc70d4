/** Explains DHCP packets: annotated hex on stdin, or the packets on UDP 67, 68 and 4011 of a pcap or pcapng file given as argument. */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseHex } from '../hex.ts';
import { readCapture } from '../pcap.ts';
import { explain } from './explain.ts';

const DHCP_PORTS: ReadonlySet<number> = new Set([67, 68, 4011]);

function explainCapture(path: string): string {
  const capture = readCapture(readFileSync(path));
  if (!capture.ok) return fail(`${path}: ${capture.why} at byte ${capture.at}`);
  const packets = capture.datagrams.filter((d) => DHCP_PORTS.has(d.targetPort) || DHCP_PORTS.has(d.sourcePort));
  return packets
    .map((d) => `${new Date(d.timeMs).toISOString()} ${d.source}:${d.sourcePort} > ${d.target}:${d.targetPort}\n${explain(d.payload)}\n`)
    .join('\n');
}

function explainHex(input: string): string {
  const parsed = parseHex(input);
  return parsed.ok ? `${explain(parsed.bytes)}\n` : fail(`line ${parsed.line} is not hex`);
}

function fail(why: string): string {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
  return '';
}

const path = process.argv[2];
process.stdout.write(path === undefined ? explainHex(await text(process.stdin)) : explainCapture(path));

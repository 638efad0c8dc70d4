/** DHCP servers as a table for people. */
import type { ForeignServer } from '@ironbus/contracts';

const heads = ['SERVER', 'FROM', 'MAC', 'OFFERED', 'BOOT FILE'] as const;

/** One line each under a line of heads; a sentence where there is none. */
export function serverTable(servers: readonly ForeignServer[]): string {
  if (servers.length === 0) return 'no DHCP server answered\n';
  const cells = servers.map(({ serverId, from, mac, offered, bootFile }) => [serverId, from, mac, offered, bootFile]);
  const rows = [heads, ...cells.map((row) => row.map((cell) => printable(cell ?? '-')))];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('');
}

/** A boot file name comes from the wire: it must not steer the terminal. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

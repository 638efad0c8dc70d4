/** A DHCP packet in words: every header field, every option with name, value and raw hex. For logs, the CLI and bug reports. */
import { formatMac } from '../net.ts';
import { decode } from './decode.ts';
import { BootOp, type DhcpMessage } from './messages.ts';
import { optionName } from './option-table.ts';
import { messageTypeName, renderOption } from './render.ts';

const NAME_WIDTH = 30;
const HEX_LIMIT = 64;

/** Several lines, without a final line end; malformed bytes give one line with the offset, the reason and the hex. Never throws. */
export function explain(bytes: Uint8Array): string {
  const decoded = decode(bytes);
  if (!decoded.ok) return `malformed at byte ${decoded.at} of ${bytes.length}: ${decoded.why}; ${hexOf(bytes)}`;
  const m = decoded.message;
  return [title(m, bytes.length), ...headerLines(m), ...optionLines(m)].join('\n');
}

function title(m: DhcpMessage, length: number): string {
  const type = m.options.u8(53);
  const name = type === undefined ? (m.op === BootOp.request ? 'BOOTREQUEST' : 'BOOTREPLY') : `DHCP${messageTypeName(type)}`;
  return `${name}, ${length} bytes`;
}

function headerLines(m: DhcpMessage): string[] {
  const op = m.op === BootOp.request ? 'request' : 'reply';
  const hardware = m.chaddr.length === 0 ? 'no hardware address' : formatMac(m.chaddr);
  return [
    `  op ${m.op} (${op}), htype ${m.htype}, hlen ${m.hlen}, hops ${m.hops}, xid 0x${m.xid.toString(16).padStart(8, '0')}, secs ${m.secs}, flags 0x${m.flags.toString(16).padStart(4, '0')}${m.broadcast ? ' (broadcast)' : ''}`,
    `  ciaddr ${m.ciaddr}, yiaddr ${m.yiaddr}, siaddr ${m.siaddr}, giaddr ${m.giaddr}`,
    `  chaddr ${hardware}`,
    ...(m.sname === '' ? [] : [`  sname ${JSON.stringify(m.sname)}`]),
    ...(m.file === '' ? [] : [`  file ${JSON.stringify(m.file)}`]),
    ...(m.cookie ? [] : ['  no magic cookie: plain BOOTP, vendor area not read']),
  ];
}

function optionLines(m: DhcpMessage): string[] {
  const lines: string[] = [];
  for (const [code, value] of m.options) {
    const { text, below } = renderOption(m, code);
    lines.push(`  ${String(code).padStart(3)} ${optionName(code).padEnd(NAME_WIDTH)} ${text}  [${hexOf(value)}]`);
    for (const line of below ?? []) lines.push(`      ${line}`);
  }
  return lines;
}

function hexOf(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes.subarray(0, HEX_LIMIT)).toString('hex');
  return bytes.length > HEX_LIMIT ? `${digits}… ${bytes.length} bytes` : digits;
}

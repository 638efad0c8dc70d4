/**
 * What a client is told to boot: a table, first match wins. Each row names itself (the `rule` of events and logs) and its
 * witness: the capture, run or specification that showed it to be right.
 * Not here: whether the client gets an address (it does, whatever this says) and how options are written (reply.ts).
 */
import { macToken, type BootPolicy, type Mac, type Network } from '@ironbus/contracts';
import type { Client, ClientKind } from './client.ts';

export type BootQuestion = {
  client: Client; mac: Mac; network: Network;
  /** What lifecycle says of this MAC; undefined for a machine that nobody knows. */
  policy: BootPolicy | undefined;
  /** A whole snapshot of the policies was heard since start: only then is a MAC without one really unknown. */
  policiesHeard: boolean;
};

/** `file` goes into header and option 67; `vendorClass` is option 60 of the answer. */
export type BootAnswer = {
  rule: string;
  file?: string;
  nextServer?: string;
  vendorClass?: 'HTTPClient';
  /** Option 175 with sub-option 176 = 1: iPXE does not wait for ProxyDHCP. */
  noProxyDhcp?: true;
};

type Row = { rule: string; witness: string; when: (question: BootQuestion) => boolean; answer: (question: BootQuestion) => Omit<BootAnswer, 'rule'> };

const nothing = (): Omit<BootAnswer, 'rule'> => ({});
const byTftp = (file: string) => ({ network }: BootQuestion): Omit<BootAnswer, 'rule'> => ({ file, nextServer: network.serverAddress });
const byHttp = (file: string) => ({ network }: BootQuestion): Omit<BootAnswer, 'rule'> =>
  ({ file: `${network.baseUrl}/loaders/${file}`, vendorClass: 'HTTPClient' });
const script = ({ network, mac }: BootQuestion): Omit<BootAnswer, 'rule'> =>
  ({ file: `${network.baseUrl}/boot/${dashed(mac)}/script.ipxe`, nextServer: network.serverAddress, noProxyDhcp: true });
const is = (...kinds: ClientKind[]) => ({ client }: BootQuestion): boolean => kinds.includes(client.kind);
const other = (kind: ClientKind) => ({ client, policy }: BootQuestion): boolean => client.kind === kind && policy?.bootPath === 1;

export const bootTable: readonly Row[] = [
  { rule: 'plain-client', witness: 'busybox-udhcpc; debian-installer 12 took option 67 for its preseed (lab §8)', when: is('plain'), answer: nothing },
  { rule: 'policies-not-heard', witness: 'design: a MAC is unknown only after a whole snapshot',
    when: ({ policy, policiesHeard }) => policy === undefined && !policiesHeard, answer: nothing },
  { rule: 'unknown-machine-ignored', witness: "network.unknownMachines 'ignore'",
    when: ({ policy, network }) => policy === undefined && network.unknownMachines === 'ignore', answer: nothing },
  { rule: 'ipxe-script', witness: 'seabios-ipxe-rom-virtio.pcap, ipxe-undionly-chain.pcap, ovmf-pxe-snponly.pcap', when: is('ipxe'), answer: script },
  { rule: 'unknown-machine-local-disk', witness: "network.unknownMachines 'local-disk': firmware without a file goes on to its disk",
    when: ({ policy, network }) => policy === undefined && network.unknownMachines === 'local-disk', answer: nothing },
  { rule: 'bios-undionly', witness: 'ipxe-undionly-chain.pcap', when: is('pxe-bios'), answer: byTftp('undionly.kpxe') },
  { rule: 'uefi-x64-ipxe', witness: 'ovmf-pxe-ipxe-efi.pcap', when: other('pxe-uefi-x64'), answer: byTftp('ipxe.efi') },
  { rule: 'uefi-x64-snponly', witness: 'ovmf-pxe-snponly.pcap', when: is('pxe-uefi-x64'), answer: byTftp('snponly.efi') },
  { rule: 'uefi-arm64-ipxe', witness: 'aarch64-aavmf-pxe.pcap (its DISCOVER); Debian builds no snponly for arm64',
    when: is('pxe-uefi-arm64'), answer: byTftp('ipxe-arm64.efi') },
  { rule: 'http-x64-ipxe', witness: 'ovmf-httpboot.pcap', when: other('http-uefi-x64'), answer: byHttp('ipxe.efi') },
  { rule: 'http-x64-snponly', witness: 'ovmf-httpboot.pcap: OVMF wants HTTPClient back in option 60', when: is('http-uefi-x64'), answer: byHttp('snponly.efi') },
  { rule: 'http-arm64-ipxe', witness: 'UEFI 2.10 §24.7; the x64 run', when: is('http-uefi-arm64'), answer: byHttp('ipxe-arm64.efi') },
  { rule: 'no-loader-ia32', witness: 'Debian builds no 32-bit iPXE for UEFI', when: is('pxe-uefi-ia32', 'http-uefi-ia32'), answer: nothing },
  { rule: 'no-loader', witness: 'RFC 4578 §2.1: an architecture we have no loader for', when: () => true, answer: nothing },
];

/** The first row that matches; the last one always does. Never puts PXEClient into option 60: EDK2 would look for a BINL server. */
export function chooseBoot(question: BootQuestion): BootAnswer {
  const row = bootTable.find((candidate) => candidate.when(question));
  if (row === undefined) throw new Error('the boot table has no last row');
  return { rule: row.rule, ...row.answer(question) };
}

const dashed = (mac: Mac): string => (macToken(mac).match(/../g) ?? []).join('-');

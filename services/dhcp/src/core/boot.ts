/**
 * What a client is told to boot: a table, first match wins. Each row names itself (the `rule` of events and logs) and its
 * witness: the capture, run or specification that showed it to be right. Which file firmware gets is loaders.ts;
 * docs/architecture/boot-decisions.md is drawn from both. Not here: whether the client gets an address (it does, whatever
 * this says), how options are written (reply.ts), and the differences of proxy mode (proxy.ts).
 */
import { macToken, type BootPolicy, type LoaderChoice, type Mac, type Network } from '@ironbus/contracts';
import { bsdpProposal, ClientArch, PxeDiscovery, pxeSubOptions, raspberryPi3VendorOptions, raspberryPiVendorOptions, type SubOption } from '@ironbus/wire';
import { defaultBsdpImages, type BsdpBootImage } from './bsdp-images.ts';
import type { Client, ClientKind } from './client.ts';
import { byHttp, firmwareOf, pickLoader, type LoaderRow } from './loaders.ts';
import { menuDue, menuVendorOptions } from './menu.ts';

export type BootQuestion = {
  client: Client; mac: Mac; network: Network;
  /** What lifecycle says of this MAC; undefined for a machine that nobody knows. */
  policy: BootPolicy | undefined;
  /** A whole snapshot of the policies was heard since start: only then is a MAC without one really unknown. */
  policiesHeard: boolean;
  /** The reservation's choice; it wins over the network's. */
  loader?: LoaderChoice | undefined;
  /** How often in a row firmware of this MAC got a loader and no later stage of the same boot was seen. */
  loaderFailures?: number | undefined;
  /** What Macs may boot; left out: our loader. */
  bsdpImages?: readonly BsdpBootImage[] | undefined;
};

/** `file` goes into header and option 67; `vendorClass` is option 60 of the answer, `vendorOptions` option 43. */
export type BootAnswer = {
  rule: string;
  file?: string;
  nextServer?: string;
  vendorClass?: 'HTTPClient' | 'PXEClient' | 'AAPLBSDPC';
  vendorOptions?: readonly SubOption[];
  /** Option 175 with sub-option 176 = 1: iPXE does not wait for ProxyDHCP. */
  noProxyDhcp?: true;
};

type What = Omit<BootAnswer, 'rule'>;
export type BootRow = {
  rule: string; witness: string;
  /** What the answer holds, in words for the page. */
  gives: string;
  when: (question: BootQuestion) => boolean; answer: (question: BootQuestion) => What;
};

const nothing = (): What => ({});
const is = (...kinds: ClientKind[]) => ({ client }: BootQuestion): boolean => kinds.includes(client.kind);
const unknown = (unknownMachines: Network['unknownMachines']) => ({ policy, network }: BootQuestion): boolean =>
  policy === undefined && network.unknownMachines === unknownMachines;
const script = ({ network, mac }: BootQuestion): What =>
  ({ file: `${network.baseUrl}/boot/${dashed(mac)}/script.ipxe`, nextServer: network.serverAddress, noProxyDhcp: true });
const raspberryPi = ({ client, network }: BootQuestion): What => ({
  nextServer: network.serverAddress, vendorClass: 'PXEClient',
  vendorOptions: pxeSubOptions(client.pi?.constantUuid === true ? raspberryPi3VendorOptions : raspberryPiVendorOptions),
});
const menu = (question: BootQuestion): What =>
  ({ nextServer: question.network.serverAddress, vendorClass: 'PXEClient', vendorOptions: menuVendorOptions(question) });

/** The images that this Mac may boot, the default one first. */
export function imagesFor({ client, bsdpImages = defaultBsdpImages }: Pick<BootQuestion, 'client' | 'bsdpImages'>): readonly BsdpBootImage[] {
  return bsdpImages.filter(({ architectures }) => architectures?.includes(client.bsdp?.architecture ?? '') ?? true);
}
const proposal = (question: BootQuestion): What =>
  ({ vendorClass: 'AAPLBSDPC', vendorOptions: bsdpProposal(imagesFor(question)[0]?.id ?? 0) });

export const bootTable: readonly BootRow[] = [
  {
    rule: 'plain-client', witness: 'busybox-udhcpc; debian-installer 12 took option 67 for its preseed (lab §8)', gives: 'nothing',
    when: is('plain'), answer: nothing,
  },
  {
    rule: 'onie', witness: 'ONIE design, "Exact Installer URLs From DHCPv4": option 114 names the installer, without it ONIE searches by itself; not run',
    gives: 'nothing of ours; option 114 where the network or the reservation sets it', when: is('onie'), answer: nothing,
  },
  {
    rule: 'policies-not-heard', witness: 'design: a MAC is unknown only after a whole snapshot', gives: 'nothing',
    when: ({ policy, policiesHeard }) => policy === undefined && !policiesHeard, answer: nothing,
  },
  { rule: 'unknown-machine-ignored', witness: "network.unknownMachines 'ignore'", gives: 'nothing', when: unknown('ignore'), answer: nothing },
  {
    rule: 'ipxe-script', witness: 'seabios-ipxe-rom-virtio.pcap, ipxe-undionly-chain.pcap, ovmf-pxe-snponly.pcap',
    gives: '`<baseUrl>/boot/<mac>/script.ipxe`, option 175.176 = 1', when: is('ipxe'), answer: script,
  },
  {
    rule: 'unknown-machine-local-disk', witness: "network.unknownMachines 'local-disk': firmware without a file goes on to its disk", gives: 'nothing',
    when: unknown('local-disk'), answer: nothing,
  },
  {
    rule: 'raspberry-pi-local-disk', gives: 'nothing',
    witness: 'Raspberry Pi documentation, BOOT_ORDER: without an answer it goes on to its next device; it has no loader that could send it there',
    when: (question) => question.client.kind === 'raspberry-pi' && question.policy?.answer === 'local', answer: nothing,
  },
  {
    rule: 'raspberry-pi', gives: 'option 43 "Raspberry Pi Boot", options 60 and 66; the files by TFTP',
    witness: 'raspberry-pi3-discover.hex and raspberry-pi4-discover.hex, after the Raspberry Pi documentation, "Network booting"; option 66 because ' +
      'a Pi ignores offers without it (tinkerbell/smee#23); not run',
    when: is('raspberry-pi'), answer: raspberryPi,
  },
  {
    rule: 'bsdp-no-images', witness: "Apple's bsdpd: no image, no answer", gives: 'nothing',
    when: (question) => question.client.kind === 'bsdp' && imagesFor(question).length === 0, answer: nothing,
  },
  {
    rule: 'bsdp-proposal', witness: 'bsdp-list-inform.hex; the recipe for ISC dhcpd (DISCOVER gets 43 `08:04:<id>`); not run',
    gives: 'the default image in option 43; for what INFORM gets see `bsdp.ts`', when: is('bsdp'), answer: proposal,
  },
  {
    rule: 'boot-menu', witness: 'PXE 2.1 table 2-1; EDK2 PxeBcBoot.c; iPXE pxemenu.c; not run',
    gives: 'network.bootMenu in option 43, option 60 `PXEClient`, no file; the items at port 4011: `menu-ipxe`, `menu-grub`, `menu-pxelinux`',
    when: menuDue, answer: menu,
  },
  {
    rule: 'no-loader', witness: 'RFC 4578 §2.1: an architecture we have no loader for', gives: 'nothing',
    when: ({ client }) => firmwareOf(client.kind) === undefined, answer: nothing,
  },
];

/** The first row that matches, else the loader of the client's firmware. */
export function chooseBoot(asked: BootQuestion): BootAnswer {
  const question = isBiosRom(asked) ? { ...asked, client: { ...asked.client, kind: 'pxe-bios' as const } } : asked;
  const row = bootTable.find((candidate) => candidate.when(question));
  if (row !== undefined) return { rule: row.rule, ...row.answer(question) };
  const { policy, network, loader, loaderFailures = 0 } = question;
  return loaderAnswer(question, { choice: loader ?? network.loader ?? 'auto', turn: (policy?.bootPath ?? 0) + loaderFailures });
}

/**
 * An iPXE that sits in a BIOS ROM, where a person chose PXELINUX: no loader of ours is an iPXE then, so this one is firmware.
 * With GRUB it stays what it is: grub-i386-pc.0 hangs in the UNDI of QEMU's iPXE ROM before it asks for anything (seen in the lab).
 */
const isBiosRom = ({ client, loader, network }: BootQuestion): boolean =>
  client.kind === 'ipxe' && client.architecture === ClientArch.biosX86 && (loader ?? network.loader) === 'pxelinux';

/** What an item of the menu leads to; the item is there for this client. */
export const menuAnswer = (question: BootQuestion, boots: LoaderRow['loader']): BootAnswer =>
  ({ ...loaderAnswer(question, { choice: boots, turn: question.loaderFailures ?? 0 }), rule: `menu-${boots}` });

function loaderAnswer({ client, network, policy }: BootQuestion, wish: { choice: LoaderChoice; turn: number }): BootAnswer {
  const firmware = firmwareOf(client.kind);
  if (firmware === undefined) throw new Error(`no boot row for ${client.kind}`);
  const row = pickLoader(firmware, { ...wish, secureBoot: policy?.secureBoot === true });
  if (byHttp(client.kind)) return { rule: row.http ?? row.rule, file: `${network.baseUrl}/loaders/${row.file}`, vendorClass: 'HTTPClient' };
  return { rule: row.rule, file: row.file, nextServer: network.serverAddress, ...(firmware === 'bios' && fileOnly) };
}

/**
 * A BIOS ROM that hears no PXEClient goes on looking for a ProxyDHCP for 12 s (PXE 2.1: its first two timeouts, 4 and 8 s, as
 * iPXE's config/dhcp.h has them); with it and discovery control 8 it takes this file at once. Never to UEFI without a menu:
 * EDK2 would take the server for a BINL one and ask its port 4011; with a menu it does not (PxeBcParseDhcp4Packet).
 */
const fileOnly: Pick<BootAnswer, 'vendorClass' | 'vendorOptions'> = {
  vendorClass: 'PXEClient', vendorOptions: pxeSubOptions({ discoveryControl: PxeDiscovery.bootFileOnly }),
};

const dashed = (mac: Mac): string => (macToken(mac).match(/../g) ?? []).join('-');

/** What each program of a boot puts into its DHCP messages and how long it waits: one row per client, with its witness. Pure. */
import { makeMessage, MessageType, parseMac, type DhcpMessage, type TftpOption } from '@ironbus/wire';
import type { Firmware, Spec } from './spec.ts';

/** `firmware` is the ROM on the card, `ipxe` the loader, `os` the agent's own udhcpc. */
export type BootStage = 'firmware' | 'ipxe' | 'os';

export type Patience = {
  /** What is waited for an answer to each DISCOVER and each REQUEST, one after the other, before the client gives up. */
  readonly discoverMs: readonly number[];
  readonly requestMs: readonly number[];
  /** Each wait is this much shorter or longer, at random. */
  readonly jitterMs: number;
  /** What a client waits for further offers once it has one. */
  readonly collectMs: number;
};

const inSeconds = (...seconds: readonly number[]): number[] => seconds.map((each) => each * 1_000);
/** PXE 2.1 §2.2.2 and RFC 2131 §4.1; EDK2 has it for both messages (NetworkPkg/UefiPxeBcDxe/PxeBcDhcp4.c, mPxeDhcpTimeout). */
const romMs = inSeconds(4, 8, 16, 32);
/** ipxe/src/config/dhcp.h: DHCP_DISC from 1 s, DHCP_REQ from 0, which is a quarter (retry.h, DEFAULT_MIN_TIMEOUT); doubled until it were more than 10 s (retry.c). */
const ipxeMs = { discoverMs: inSeconds(1, 2, 4, 8), requestMs: inSeconds(0.25, 0.5, 1, 2, 4, 8) };
/** agent/lib/network.sh: `udhcpc -t 5 -T 1`. */
const udhcpcMs = inSeconds(1, 1, 1, 1, 1);

/** ROMs wait each time a second less or more; EDK2 takes its first 4 s to collect offers (3.7 s seen in ovmf-pxe-snponly.pcap). */
export function patienceOf(stage: BootStage, firmware: Firmware): Patience {
  if (stage === 'os') return { discoverMs: udhcpcMs, requestMs: udhcpcMs, jitterMs: 0, collectMs: 0 };
  if (stage === 'ipxe') return { ...ipxeMs, jitterMs: 0, collectMs: 0 };
  return { discoverMs: romMs, requestMs: romMs, jitterMs: 1_000, collectMs: firmware === 'uefi' ? 3_700 : 0 };
}

/** What iPXE waits for a ProxyDHCP where no offer says option 175.176 (seen with 3 s under SeaBIOS). */
export const proxyWaitMs = 3_000;

export type Draft = {
  spec: Spec; stage: BootStage; type: number; xid: number; secs: number; giaddr?: string | undefined;
  /** Of a REQUEST: the offered address and the server that offered it. */
  address?: string; server?: string | undefined;
};

const ipxeParameters = '010306070c0f111a2b3c4243778081828384858687afcb';
const edk2Parameters = '0102030405060c0d0f111216171c28292a2b3233363a3b3c4243618081828384858687';
const udhcpcParameters = '0103060c0f1c2a';
/** Version 1.0.0 on a virtio card, and what it can do. */
const ipxeFeatures = {
  bios: 'b105011af41000eb03010000170101220101130101110101270101190101290101100102210101150101180101120101',
  uefi: 'b105011af41000eb03010000170101240101130101110101270101290101150101120101',
};

/** The message in the order of options that the client has. */
export function clientMessage({ spec, stage, type, xid, secs, giaddr, address, server }: Draft): DhcpMessage {
  const chaddr = parseMac(spec.mac) ?? new Uint8Array(6);
  const relayed = giaddr === undefined ? {} : { giaddr, hops: 1 };
  const message = makeMessage({ chaddr, xid, secs, broadcast: stage === 'firmware' ? spec.firmware === 'uefi' : stage === 'ipxe' && spec.firmware === 'bios', ...relayed });
  message.options.setU8(53, type);
  if (stage === 'os') osOptions(message, spec.mac);
  else if (stage === 'ipxe') ipxeOptions(message, spec);
  else if (spec.firmware === 'uefi') edk2Options(message, spec);
  else romOptions(message, spec);
  if (server !== undefined && type === MessageType.request) message.options.setAddress(54, server);
  if (address !== undefined) message.options.setAddress(50, address);
  return message;
}

/** seabios-ipxe-rom-virtio.pcap, ipxe-undionly-chain.pcap, ovmf-pxe-snponly.pcap: user class without the lengths of RFC 3004. */
function ipxeOptions({ options }: DhcpMessage, { mac, uuid, firmware }: Spec): void {
  const [arch, ndi, undi] = firmware === 'bios' ? ['00000', '010201', '002001'] : ['00007', '01030a', '003010'];
  options.setU16(57, 1_472).setU16(93, Number(arch)).setHex(94, ndi).setText(60, `PXEClient:Arch:${arch}:UNDI:${undi}`).setText(77, 'iPXE');
  options.setHex(55, ipxeParameters).setHex(175, ipxeFeatures[firmware]).setHex(61, `01${mac.replaceAll(':', '')}`).setHex(97, machineId(uuid));
}

/** ovmf-pxe-snponly.pcap */
function edk2Options({ options }: DhcpMessage, { uuid }: Spec): void {
  options.setU16(57, 1_472).setHex(55, edk2Parameters).setHex(97, machineId(uuid)).setHex(94, '010300').setU16(93, 7).setText(60, 'PXEClient:Arch:00007:UNDI:003000');
}

/** PXE 2.1 table 2-1; no ROM for BIOS without iPXE was captured. */
function romOptions({ options }: DhcpMessage, { uuid }: Spec): void {
  options.setU16(57, 1_260).setHex(55, '0102030506070b0c0d0f1011122b363c438081828384858687').setHex(97, machineId(uuid)).setU16(93, 0).setHex(94, '010201');
  options.setText(60, 'PXEClient:Arch:00000:UNDI:002001');
}

/** busybox udhcpc, as agent/lib/network.sh calls it. */
function osOptions({ options }: DhcpMessage, mac: string): void {
  options.setHex(61, `01${mac.replaceAll(':', '')}`).setU16(57, 576).setHex(55, udhcpcParameters).setText(60, 'ironbus-agent');
}

/** Type 0, then a GUID: its first three groups are little-endian (RFC 4578 §2.3, SMBIOS 2.6). */
function machineId(uuid: string): string {
  const [a = '', b = '', c = '', ...rest] = uuid.split('-');
  const turned = [a, b, c].map((group) => (group.match(/../g) ?? []).toReversed().join(''));
  return `00${turned.join('')}${rest.join('')}`;
}

/** What firmware asks of TFTP; `probe` comes first, only to learn the size, and is broken off with this error. `waitsMs`: for the next packet, before its own last is sent again. */
export type TftpHabit = { probe: { options: readonly TftpOption[]; code: number; message: string }; options: readonly TftpOption[]; waitsMs: readonly number[] };

const option = (name: string, value: number): TftpOption => ({ name, value: String(value) });

/** uefi: ovmf-pxe-snponly.pcap; EDK2 waits 4 s and tries six times (PxeBcImpl.h, PXEBC_MTFTP_TIMEOUT and _RETRIES). bios: vendors' ROMs ask so and double from 1 s; not captured. */
export const tftpHabits: Readonly<Record<Firmware, TftpHabit>> = {
  bios: { probe: { options: [option('tsize', 0)], code: 0, message: 'TFTP Aborted' }, options: [option('blksize', 1_456)], waitsMs: [1_000, 2_000, 4_000, 8_000, 16_000] },
  uefi: {
    probe: { options: [option('tsize', 0), option('blksize', 1_468), option('windowsize', 4)], code: 8, message: 'User aborted the transfer' },
    options: [option('blksize', 1_468), option('windowsize', 4)], waitsMs: [4_000, 4_000, 4_000, 4_000, 4_000, 4_000],
  },
};

/**
 * Apple's Boot Service Discovery Protocol inside option 43 of DHCPINFORM and DHCPACK, for Mac NetBoot. There is no
 * public standard: codes after Apple's bsdp source (BSDP 1.1) and bsdpy; image kinds after digitalrebar.
 */
import { asBuffer, readText } from '../../text.ts';
import type { DhcpMessage } from '../messages.ts';
import { u32At } from '../option-map.ts';
import { decodeSubOptions, findSubOption, type SubOption } from './sub-options.ts';

export const BsdpSubOption = {
  messageType: 1, version: 2, serverId: 3, serverPriority: 4, replyPort: 5, bootImageListPath: 6, defaultImage: 7,
  selectedImage: 8, imageList: 9, netboot10Firmware: 10, attributeFilter: 11, maxMessageSize: 12,
  shadowMountPath: 128, shadowFilePath: 129, machineName: 130,
} as const;

export const BsdpMessage = { list: 1, select: 2, failed: 3 } as const;

/** Kind of an image id's first byte; 0x80 is added when it installs. */
export const BsdpImageKind = { os9: 0, osx: 1, osxServer: 2, diagnostics: 3 } as const;

/** `id` is all four bytes as one number, see bsdpImageId. */
export type BsdpImage = { id: number; name: string };

export type BsdpRequest = {
  kind: 'list' | 'select';
  /** 0x0101 for 1.1 */
  version?: number;
  /** UDP port the reply must go to, under 1024; 68 when missing */
  replyPort: number;
  selectedImage?: number;
  serverId?: Uint8Array;
  maxMessageSize?: number;
};

/** An image id: kind and install bit in the first byte, index in the last two (`81:00:00:89` is an installer, 137). */
export function bsdpImageId(image: { kind: number; install: boolean; index: number }): number {
  return (((image.install ? 0x80 : 0) | (image.kind & 0x7f)) << 24 | (image.index & 0xffff)) >>> 0;
}

/** Whether option 60 says `AAPLBSDPC`, as `AAPLBSDPC/i386/MacBookPro11,1` does. */
export function isBsdpClient(m: DhcpMessage): boolean {
  return m.options.text(60)?.startsWith('AAPLBSDPC') === true;
}

/** Option 60 of a BSDP client taken apart: `AAPLBSDPC/<architecture>/<model>`, as `AAPLBSDPC/i386/MacBookPro11,1` (Apple's bsdp.h). */
export function bsdpSystem(m: DhcpMessage): { architecture: string; model: string } | undefined {
  const [name, architecture = '', model = ''] = m.options.text(60)?.split('/') ?? [];
  return name === 'AAPLBSDPC' ? { architecture, model } : undefined;
}

/** The BSDP request in a message of a BSDP client; undefined when there is none or it is malformed. */
export function bsdpRequest(m: DhcpMessage): BsdpRequest | undefined {
  const value = m.options.get(43);
  const subs = isBsdpClient(m) ? value && decodeSubOptions(value) : undefined;
  const type = numberOf(subs, BsdpSubOption.messageType, 1);
  if (type !== BsdpMessage.list && type !== BsdpMessage.select) return undefined;
  const version = numberOf(subs, BsdpSubOption.version, 2);
  const selectedImage = numberOf(subs, BsdpSubOption.selectedImage, 4);
  const serverId = findSubOption(subs, BsdpSubOption.serverId);
  const maxMessageSize = numberOf(subs, BsdpSubOption.maxMessageSize, 2);
  return {
    kind: type === BsdpMessage.list ? 'list' : 'select',
    replyPort: numberOf(subs, BsdpSubOption.replyPort, 2) ?? 68,
    ...(version !== undefined && { version }), ...(selectedImage !== undefined && { selectedImage }),
    ...(serverId?.length === 4 && { serverId }), ...(maxMessageSize !== undefined && { maxMessageSize }),
  };
}

function numberOf(subs: readonly SubOption[] | undefined, code: number, bytes: 1 | 2 | 4): number | undefined {
  const value = findSubOption(subs, code);
  if (value?.length !== bytes) return undefined;
  return bytes === 4 ? u32At(value, 0) : value.reduce((number, byte) => number * 256 + byte, 0);
}

/** Sub-options of the ACK to LIST: type, priority, default image, images; names are cut at 255 bytes. */
export function bsdpListReply(reply: { priority: number; defaultImage: number; images: readonly BsdpImage[] }): SubOption[] {
  return [
    { code: BsdpSubOption.messageType, value: Uint8Array.of(BsdpMessage.list) },
    { code: BsdpSubOption.serverPriority, value: Uint8Array.of(reply.priority >>> 8, reply.priority) },
    { code: BsdpSubOption.defaultImage, value: u32Bytes(reply.defaultImage) },
    { code: BsdpSubOption.imageList, value: Buffer.concat(reply.images.map(imageBytes)) },
  ];
}

/** Sub-options of the ACK to SELECT. */
export function bsdpSelectReply(selectedImage: number): SubOption[] {
  return [
    { code: BsdpSubOption.messageType, value: Uint8Array.of(BsdpMessage.select) },
    { code: BsdpSubOption.selectedImage, value: u32Bytes(selectedImage) },
  ];
}

/** Sub-options of the ACK that refuses a SELECT, such as one of an image that is gone (Apple's bsdpd). */
export function bsdpFailedReply(): SubOption[] {
  return [{ code: BsdpSubOption.messageType, value: Uint8Array.of(BsdpMessage.failed) }];
}

/** Sub-option 8 alone: the image that a server proposes in its OFFER (the recipe for ISC dhcpd, bsdpy's sample). */
export function bsdpProposal(selectedImage: number): SubOption[] {
  return [{ code: BsdpSubOption.selectedImage, value: u32Bytes(selectedImage) }];
}

/** Bytes that an image takes in the list: id, length, name. */
export const bsdpImageBytes = ({ name }: BsdpImage): number => 5 + Math.min(255, Buffer.byteLength(name));

/** Reads an image list (sub-option 9); undefined when an entry is cut. */
export function decodeBsdpImages(value: Uint8Array): BsdpImage[] | undefined {
  const bytes = asBuffer(value);
  const images: BsdpImage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 5 + (bytes[at + 4] ?? 0);
    if (next > bytes.length) return undefined;
    images.push({ id: u32At(bytes, at), name: readText(bytes, at + 5, next) });
    at = next;
  }
  return images;
}

function imageBytes(image: BsdpImage): Uint8Array {
  const name = Buffer.from(image.name, 'utf8').subarray(0, 255);
  return Buffer.concat([u32Bytes(image.id), Uint8Array.of(name.length), name]);
}

function u32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

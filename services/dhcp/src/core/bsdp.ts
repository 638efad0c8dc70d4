/**
 * Apple's Boot Service Discovery Protocol: a Mac with an address asks by DHCPINFORM which images there are (LIST) and takes
 * one (SELECT), beside whatever DHCP server gave the address. Sources: Apple's bsdpd and BSDP.doc, bsdpy, digitalrebar.
 * Codes and bytes are the wire library's; which images there are is the question's.
 */
import {
  bsdpFailedReply, bsdpImageBytes, bsdpListReply, bsdpRequest, bsdpSelectReply, formatIpv4, messageType, MessageType, type BsdpRequest,
  type DhcpMessage, type SubOption,
} from '@ironbus/wire';
import { chooseBoot, imagesFor, type BootQuestion } from './boot.ts';
import type { BsdpBootImage } from './bsdp-images.ts';
import { addBoot, begin, echo } from './reply.ts';
import type { Destination, Ports } from './reply-to.ts';

export type BsdpQuestion = BootQuestion & { message: DhcpMessage; ports: Ports };
export type BsdpIgnore = 'bsdp-malformed' | 'bsdp-version' | 'bsdp-reply-port' | 'no-address' | 'other-server' | 'no-boot';
export type BsdpMove =
  | { do: 'answer'; rule: 'bsdp-list' | 'bsdp-select' | 'bsdp-failed'; answer: DhcpMessage; to: Destination }
  /** `rule` is the row of the boot table that gives nothing. */
  | { do: 'ignore'; reason: BsdpIgnore; rule?: string };

/** The middle: a Mac takes the server with the highest (bsdpy, the recipe for ISC dhcpd). */
const priority = 0x8000;
const firstUnprivilegedPort = 1024;
const mostListBytes = 255;

/** Decides on a DHCPINFORM of a BSDP client. Never throws. */
export function decideBsdp(question: BsdpQuestion): BsdpMove {
  const { message } = question;
  const request = messageType(message) === MessageType.inform ? bsdpRequest(message) : undefined;
  if (request === undefined) return { do: 'ignore', reason: 'bsdp-malformed' };
  if (request.version !== undefined && request.version >> 8 !== 1) return { do: 'ignore', reason: 'bsdp-version' };
  if (message.ciaddr === '0.0.0.0') return { do: 'ignore', reason: 'no-address' };
  // Apple's bsdpd answers privileged ports only: an answer sent anywhere would be a reflector.
  if (request.replyPort >= firstUnprivilegedPort || request.replyPort === 0) return { do: 'ignore', reason: 'bsdp-reply-port' };
  const { rule } = chooseBoot(question);
  if (rule !== 'bsdp-proposal') return { do: 'ignore', reason: 'no-boot', rule };
  return request.kind === 'list' ? list(question, request) : select(question, request);
}

function list(question: BsdpQuestion, request: BsdpRequest): BsdpMove {
  const images = fitting(imagesFor(question));
  const options = bsdpListReply({ priority, defaultImage: images[0]?.id ?? 0, images });
  return { do: 'answer', rule: 'bsdp-list', answer: answerWith(question, options), to: destination(question, request) };
}

function select(question: BsdpQuestion, request: BsdpRequest): BsdpMove {
  const { network } = question;
  const named = request.serverId === undefined ? undefined : formatIpv4(Buffer.from(request.serverId).readUInt32BE(0));
  if (named !== undefined && named !== network.serverAddress) return { do: 'ignore', reason: 'other-server' };
  const images = imagesFor(question);
  const image = request.selectedImage === undefined ? images[0] : images.find(({ id }) => id === request.selectedImage);
  const to = destination(question, request);
  if (image === undefined) return { do: 'answer', rule: 'bsdp-failed', answer: answerWith(question, bsdpFailedReply()), to };
  const answer = answerWith(question, bsdpSelectReply(image.id), image);
  return { do: 'answer', rule: 'bsdp-select', answer, to };
}

/** The client's own address, at the port it names: its operating system asks beside its DHCP client, which has port 68. */
function destination({ message, ports }: BsdpQuestion, { replyPort }: BsdpRequest): Destination {
  return { address: message.ciaddr, port: replyPort === 68 ? ports.client : replyPort, how: 'client' };
}

/** EFI looks up no names: server name and addresses are numbers. */
function answerWith({ message, network }: BsdpQuestion, vendorOptions: readonly SubOption[], image?: BsdpBootImage): DhcpMessage {
  const answer = begin(message, network.serverAddress, MessageType.ack);
  answer.ciaddr = message.ciaddr;
  answer.siaddr = network.serverAddress;
  addBoot(answer, { rule: '', vendorClass: 'AAPLBSDPC', vendorOptions });
  // Header fields, as Apple's bsdpd and bsdpy fill them; no option 66 or 67.
  if (image !== undefined) Object.assign(answer, { sname: network.serverAddress, file: image.booter });
  if (image?.rootPath !== undefined) answer.options.setText(17, image.rootPath);
  echo(message, answer.options);
  return answer;
}

/** As many as one sub-option holds. */
function fitting(images: readonly BsdpBootImage[]): BsdpBootImage[] {
  let room = mostListBytes;
  return images.filter((image) => {
    const bytes = bsdpImageBytes(image);
    if (bytes > room) return false;
    room -= bytes;
    return true;
  });
}

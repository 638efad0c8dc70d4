/**
 * The DHCP message as a value (RFC 2131 §2, RFC 951) and the constants both ends share.
 * Not here: bytes (decode.ts, encode.ts) and the meaning of single options (options/).
 */
import { OptionMap } from './option-map.ts';

/** Header field op (RFC 951 §3). */
export const BootOp = { request: 1, reply: 2 } as const;

/** Option 53 (RFC 2132 §9.6, RFC 3203, RFC 4388). */
export const MessageType = {
  discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8,
  forceRenew: 9, leaseQuery: 10, leaseUnassigned: 11, leaseUnknown: 12, leaseActive: 13,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Hardware types we meet (RFC 1700); 32 is InfiniBand, which has hlen 0 (RFC 4390 §2.1). */
export const HardwareType = { ethernet: 1, infiniband: 32 } as const;

/** Processor architectures of option 93 (RFC 4578 §2.1 and the IANA registry); the firmware's number, not ours. */
export const ClientArch = {
  biosX86: 0, efiIa32: 6, efiX64: 7, efiBc: 9, efiArm32: 10, efiArm64: 11,
  efiIa32Http: 15, efiX64Http: 16, efiBcHttp: 17, efiArm32Http: 18, efiArm64Http: 19, biosX86Http: 20,
  ubootArm32: 21, ubootArm64: 22, ubootArm32Http: 23, ubootArm64Http: 24, efiRiscv32: 25, efiRiscv32Http: 26,
  efiRiscv64: 27, efiRiscv64Http: 28, efiLoongarch64: 39, efiLoongarch64Http: 40, raspberryPi: 41,
} as const;

/**
 * One message. `chaddr` has hlen bytes and, like the raw options, may be a view of the received datagram.
 * `sname` and `file` are '' when empty or when they carry options (RFC 2132 §9.3); addresses are dotted quads.
 * `cookie` is false for a BOOTP packet whose vendor area is not RFC 1497's: such a message has no options.
 */
export type DhcpMessage = {
  op: number; htype: number; hlen: number; hops: number;
  xid: number;
  /** seconds since the client began */
  secs: number;
  /** all 16 bits; `broadcast` is the highest one and wins when it differs */
  flags: number;
  broadcast: boolean;
  ciaddr: string; yiaddr: string; siaddr: string; giaddr: string;
  chaddr: Uint8Array;
  sname: string; file: string;
  cookie: boolean;
  options: OptionMap;
};

/** A message with every field empty but those given; hlen follows chaddr and flags follow broadcast unless given. */
export function makeMessage(fields: Partial<DhcpMessage>): DhcpMessage {
  return {
    op: BootOp.request, htype: HardwareType.ethernet, hlen: fields.chaddr?.length ?? 0, hops: 0,
    xid: 0, secs: 0, flags: fields.broadcast ? 0x8000 : 0, broadcast: ((fields.flags ?? 0) & 0x8000) !== 0,
    ciaddr: '0.0.0.0', yiaddr: '0.0.0.0', siaddr: '0.0.0.0', giaddr: '0.0.0.0',
    chaddr: new Uint8Array(0), sname: '', file: '', cookie: true, options: fields.options ?? new OptionMap(), ...fields,
  };
}

/**
 * An empty BOOTREPLY with the fields a server must copy from the request (RFC 2131 §4.3.1 table 3); no option yet.
 * It has the cookie also when the request had none: RFC 951 clients ignore the vendor area, later ones want it.
 */
export function replyTo(request: DhcpMessage): DhcpMessage {
  return {
    op: BootOp.reply, htype: request.htype, hlen: request.hlen, hops: 0,
    xid: request.xid, secs: 0, flags: request.flags, broadcast: request.broadcast,
    ciaddr: '0.0.0.0', yiaddr: '0.0.0.0', siaddr: '0.0.0.0', giaddr: request.giaddr,
    chaddr: request.chaddr, sname: '', file: '', cookie: true, options: new OptionMap(),
  };
}

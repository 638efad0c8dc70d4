/**
 * Classic BPF programs for packet and raw sockets (linux/filter.h, linux/bpf_common.h): what the kernel leaves out costs no wake-up
 * here. Pure: bytes of the program; who attaches them is the shell. Loads beyond the frame's end drop the frame.
 */
const Op = {
  word: 0x20, half: 0x28, byte: 0x30, indirectHalf: 0x48, indirectByte: 0x50, headerLength: 0xb1,
  equal: 0x15, greater: 0x25, anySet: 0x45, give: 0x06,
} as const;
/** What the kernel knows beside the bytes (SKF_AD_OFF). */
const packetType = 0xfffff000 + 4;
const deviceIndex = 0xfffff000 + 8;
/** Where the network header is counted from (SKF_NET_OFF). */
const networkHeader = 0xfff00000;
/** linux/if_packet.h: to this host, broadcast, multicast are 0 to 2; to another host 3, sent by this host 4. */
const toAnotherHost = 3;

type Row = { at?: string; op: number; k: number; yes?: string; no?: string };

const ends: readonly Row[] = [{ at: 'take', op: Op.give, k: 0xffffffff }, { at: 'drop', op: Op.give, k: 0 }];

/** Drops everything. */
export const nothing: Uint8Array = assemble([{ op: Op.give, k: 0 }]);

/**
 * ARP packets of others that name a sender address. Frames of VLANs on top of the device pass its sockets too, with the
 * VLAN's device in them or marked as another host's: both are left out, and what this host sent itself.
 */
export const arpSenders = (index: number): Uint8Array => assemble([
  { op: Op.word, k: packetType }, { op: Op.greater, k: toAnotherHost - 1, yes: 'drop' },
  { op: Op.word, k: deviceIndex }, { op: Op.equal, k: index, no: 'drop' },
  { op: Op.half, k: 12 }, { op: Op.equal, k: 0x0806, no: 'drop' },
  { op: Op.word, k: 28 }, { op: Op.equal, k: 0, yes: 'drop', no: 'take' },
  ...ends,
]);

/**
 * BOOTREPLYs over UDP that go to port 68 or come from port 67, of others. `alsoTo`: those to this hardware address too,
 * although it is not the device's: a server that ignores the broadcast flag answers there.
 */
export const serverAnswers = (index: number, alsoTo?: Uint8Array): Uint8Array => assemble([
  { op: Op.word, k: packetType }, { op: Op.greater, k: toAnotherHost - 1, no: 'device' },
  ...(alsoTo === undefined ? [{ op: Op.give, k: 0 }] : [
    { op: Op.equal, k: toAnotherHost, no: 'drop' },
    { op: Op.word, k: 0 }, { op: Op.equal, k: Buffer.from(alsoTo).readUInt32BE(0), no: 'drop' },
    { op: Op.half, k: 4 }, { op: Op.equal, k: Buffer.from(alsoTo).readUInt16BE(4), no: 'drop' },
  ]),
  { at: 'device', op: Op.word, k: deviceIndex }, { op: Op.equal, k: index, no: 'drop' },
  { op: Op.half, k: 12 }, { op: Op.equal, k: 0x0800, no: 'drop' },
  { op: Op.byte, k: 23 }, { op: Op.equal, k: 17, no: 'drop' },
  // A later fragment has no ports.
  { op: Op.half, k: 20 }, { op: Op.anySet, k: 0x1fff, yes: 'drop' },
  { op: Op.headerLength, k: 14 },
  { op: Op.indirectByte, k: 22 }, { op: Op.equal, k: 2, no: 'drop' },
  { op: Op.indirectHalf, k: 16 }, { op: Op.equal, k: 68, yes: 'take' },
  { op: Op.indirectHalf, k: 14 }, { op: Op.equal, k: 67, yes: 'take', no: 'drop' },
  ...ends,
]);

/** Only what was sent on this very link arrives with hop limit 255 (RFC 4861 §6.1). For a raw IPv6 socket. */
export const fromThisLink: Uint8Array = assemble([
  { op: Op.byte, k: networkHeader + 7 }, { op: Op.equal, k: 255, yes: 'take', no: 'drop' },
  ...ends,
]);

/** `struct sock_filter` each: code, jump if true, jump if false, constant; little-endian as amd64 and arm64 are. */
function assemble(rows: readonly Row[]): Uint8Array {
  const places = new Map(rows.flatMap(({ at }, place) => (at === undefined ? [] : [[at, place] as const])));
  const distance = (label: string | undefined, from: number): number => (label === undefined ? 0 : (places.get(label) ?? 0) - from - 1);
  const bytes = Buffer.alloc(rows.length * 8);
  rows.forEach(({ op, k, yes, no }, place) => {
    bytes.writeUInt16LE(op, place * 8);
    bytes[place * 8 + 2] = distance(yes, place);
    bytes[place * 8 + 3] = distance(no, place);
    bytes.writeUInt32LE(k, place * 8 + 4);
  });
  return bytes;
}

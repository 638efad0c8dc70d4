/**
 * Asks who else serves DHCP on a wire: a few DISCOVERs as a machine that does not exist, never a REQUEST, so that no lease
 * is taken. All through a packet socket: a DHCP client of this host keeps its port 68 and hears nothing that it asked for.
 */
import { randomBytes } from 'node:crypto';
import { IronbusError } from '@ironbus/contracts';
import { systemClock, wait, type Clock } from '@ironbus/runtime';
import { encode } from '@ironbus/wire';
import type { ProbeOutcome } from '../core/authority.ts';
import { Answers, plainDiscover, pxeDiscover, readServerAnswer, type Question } from '../core/foreign-server.ts';
import { serverAnswers } from '../core/socket-filter.ts';
import { broadcastFrame, readUdpFrame } from '../core/udp-frame.ts';
import { deviceFacts } from './device-facts.ts';
import { openPacketSocket, type PacketSocket } from './packet-socket.ts';
import type { Sent } from './raw-socket.ts';

export type ProbeOptions = {
  device: string;
  /** Server ids that are no strangers, this server's and its siblings'; asked for when the time to listen is over. */
  own: () => ReadonlySet<string>;
  listenMs?: number; clock?: Clock;
};
type Round = { secs: number; firmware: 'bios' | 'uefi' };

const ethertypeIpv4 = 0x0800;
const ports = { sourcePort: 68, targetPort: 67 };
/** dnsmasq pings an address for 3 s before it offers it (PING_WAIT in its config.h). */
export const standardListenMs = 4_000;
/** A server may leave the first seconds of a client to others: `secs` of the later rounds is beyond that. */
const rounds: readonly Round[] = [{ secs: 0, firmware: 'bios' }, { secs: 10, firmware: 'uefi' }, { secs: 60, firmware: 'bios' }];

/** Listens for `listenMs` (4 s). Never rejects but with the signal's reason. */
export async function probeServers(options: ProbeOptions, signal: AbortSignal): Promise<ProbeOutcome> {
  const { device, own, listenMs = standardListenMs, clock = systemClock } = options;
  const facts = await deviceFacts(device);
  if (facts === undefined) return { ok: false, missing: true, why: `there is no network device ${device}` };
  if (!facts.link) return { ok: false, missing: true, why: `${device} has no link` };
  const stranger = { chaddr: localMac(), uuid: randomBytes(16) };
  const xids = rounds.flatMap(() => [randomXid(), randomXid()]);
  const answers = new Answers(xids);
  let socket: PacketSocket | undefined;
  try {
    socket = openPacketSocket({
      device, index: facts.index, protocol: ethertypeIpv4, filter: serverAnswers(facts.index, stranger.chaddr), alsoTo: stranger.chaddr,
      onFrame: (frame) => { const answer = readServerAnswer(readUdpFrame(frame)); if (answer !== undefined) answers.hear(answer); },
      // A device that goes down meanwhile: the next question can not be sent either.
      onError: () => undefined,
    });
    for (const [n, round] of rounds.entries()) {
      const sent = ask(socket, round, { ...stranger, xids: xids.slice(2 * n, 2 * n + 2) });
      if (!sent.ok) return { ok: false, missing: sent.why === 'ENETDOWN' || sent.why === 'ENXIO', why: `no question leaves ${device} (${sent.why})` };
      await wait(clock, n + 1 < rounds.length ? listenMs / 4 : listenMs * (1 - (rounds.length - 1) / 4), signal);
    }
    return { ok: true, servers: answers.list(own()) };
  } catch (error) {
    if (error instanceof IronbusError && error.code === 'PORT_UNAVAILABLE') return { ok: false, missing: false, why: error.message };
    throw error;
  } finally {
    await socket?.close();
  }
}

function ask(socket: PacketSocket, { secs, firmware }: Round, { xids, chaddr, uuid }: Omit<Question, 'xid' | 'secs'> & { xids: readonly number[] }): Sent {
  const [first = 0, second = 0] = xids;
  const messages = [plainDiscover({ chaddr, uuid, secs, xid: first }), pxeDiscover({ chaddr, uuid, secs, xid: second }, firmware)];
  // The frame bears the device's own address: switches and hypervisors may refuse another.
  const sent = messages.map((message) => socket.send(broadcastFrame({ sourceMac: socket.mac, ...ports }, encode(message))));
  return sent.find((each) => !each.ok) ?? { ok: true };
}

/** Locally administered, unicast. */
function localMac(): Uint8Array {
  const mac = randomBytes(6);
  mac[0] = ((mac[0] ?? 0) & 0xfc) | 2;
  return mac;
}

const randomXid = (): number => randomBytes(4).readUInt32BE(0);


/**
 * Run inside a namespace: machines that do DISCOVER, OFFER, REQUEST, ACK, with the retries of a firmware, and print what came
 * of it as JSON. Arguments: device, MACs with commas, exchanges for each, `forever` or a number; ends on SIGTERM.
 */
import type { Socket } from 'node:dgram';
import { decode, encode, messageType, MessageType, type DhcpMessage } from '@ironbus/wire';
import { openClientSocket } from './flood-socket.ts';
import { sampleMessage } from './samples.ts';

/** `retries`: packets that had to be sent again. `addresses`: each that was granted. */
export type ClientResult = { mac: string; granted: number; failed: number; retries: number; slowestMs: number; addresses: string[] };

/** Milliseconds that iPXE waits for an answer (its config/dhcp.h); PXE 2.1 asks for four times as much. */
const patienceMs = [1_000, 2_000, 4_000, 8_000];
const restMs = 20;

const [device = '', macs = '', exchanges = '1'] = process.argv.slice(2);
const socket = await openClientSocket(device, 68);
socket.setMaxListeners(0);
let stopped = false;
process.once('SIGTERM', () => { stopped = true; });
const results = await Promise.all(macs.split(',').map((mac, n) => live(mac, (n + 1) << 20)));
process.stdout.write(`${JSON.stringify(results)}\n`);
socket.close();

async function live(mac: string, firstXid: number): Promise<ClientResult> {
  const result: ClientResult = { mac, granted: 0, failed: 0, retries: 0, slowestMs: 0, addresses: [] };
  const most = exchanges === 'forever' ? Number.POSITIVE_INFINITY : Number(exchanges);
  for (let xid = firstXid; !stopped && result.granted + result.failed < most; xid += 2) {
    const beganAt = performance.now();
    const address = await exchange(mac, xid, result);
    result.slowestMs = Math.max(result.slowestMs, performance.now() - beganAt);
    if (address === undefined) result.failed += 1;
    else result.granted += 1;
    if (address !== undefined && !result.addresses.includes(address)) result.addresses.push(address);
    await new Promise((resolve) => { setTimeout(resolve, restMs); });
  }
  return result;
}

/** The granted address; undefined when the retries are used up or a NAK came. */
async function exchange(mac: string, xid: number, result: ClientResult): Promise<string | undefined> {
  const offer = await ask(sampleMessage({ mac, type: MessageType.discover, xid, broadcast: true }), result);
  const server = offer?.options.address(54);
  if (offer === undefined || server === undefined || messageType(offer) !== MessageType.offer) return undefined;
  const answer = await ask(sampleMessage({ mac, type: MessageType.request, requested: offer.yiaddr, server, xid: xid + 1, broadcast: true }), result);
  return answer !== undefined && messageType(answer) === MessageType.ack ? answer.yiaddr : undefined;
}

async function ask(question: DhcpMessage, result: ClientResult): Promise<DhcpMessage | undefined> {
  const bytes = encode(question);
  for (const [round, ms] of patienceMs.entries()) {
    if (round > 0) result.retries += 1;
    socket.send(bytes, 67, '255.255.255.255');
    const answer = await answerTo(socket, question.xid, ms);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function answerTo(from: Socket, xid: number, ms: number): Promise<DhcpMessage | undefined> {
  return new Promise((resolve) => {
    const end = (answer: DhcpMessage | undefined): void => {
      clearTimeout(timer);
      from.off('message', onMessage);
      resolve(answer);
    };
    const onMessage = (received: Buffer): void => {
      if (received.length < 240 || received[0] !== 2 || received.readUInt32BE(4) !== xid) return;
      const decoded = decode(received);
      if (decoded.ok) end(decoded.message);
    };
    const timer = setTimeout(() => end(undefined), ms);
    from.on('message', onMessage);
  });
}

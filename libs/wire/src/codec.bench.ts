/** Nanoseconds per operation of the codecs on captured packets: `node libs/wire/src/codec.bench.ts`, a line per case, best of 7 rounds. */
import { decode } from './dhcp/decode.ts';
import { encodeReply, replyLimit } from './dhcp/encode.ts';
import { clientId, messageType, parameterList, requestedAddress, serverId, userClass, vendorClass } from './dhcp/getters.ts';
import { type DhcpMessage, replyTo } from './dhcp/messages.ts';
import { noProxyDhcp } from './dhcp/options/ipxe.ts';
import { clientArch, clientUuid } from './dhcp/options/pxe.ts';
import { readGolden } from './goldens.ts';
import { decodeTftp } from './tftp/decode.ts';
import { dataHeader, encodeOack } from './tftp/encode.ts';

/** Runs `work` long enough for a stable figure; the sum keeps the engine from dropping it. */
function measure(name: string, work: () => number): void {
  let sum = 0;
  let best = Number.POSITIVE_INFINITY;
  const count = 50_000;
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) sum += work();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / count);
  }
  process.stdout.write(`${name.padEnd(44)} ${best.toFixed(0).padStart(6)} ns/op  (${sum % 10})\n`);
}

const decoded = (bytes: Uint8Array): DhcpMessage => {
  const result = decode(bytes);
  if (!result.ok) throw new Error(result.why);
  return result.message;
};

/** What a server looks at in every packet. */
function readAll(m: DhcpMessage): number {
  return (messageType(m) ?? 0) + (serverId(m)?.length ?? 0) + (requestedAddress(m)?.length ?? 0) + (clientId(m)?.length ?? 0)
    + (vendorClass(m)?.length ?? 0) + (userClass(m)?.length ?? 0) + (clientArch(m)?.length ?? 0) + (clientUuid(m)?.length ?? 0) + (parameterList(m)?.length ?? 0);
}

function answer(request: DhcpMessage): DhcpMessage {
  const reply = replyTo(request);
  reply.yiaddr = '10.77.0.130';
  reply.siaddr = '10.77.0.1';
  reply.options.setU8(53, 2).setAddress(54, '10.77.0.1').setU32(51, 3600).setAddress(1, '255.255.255.0').setAddresses(3, ['10.77.0.254'])
    .setAddresses(6, ['10.77.0.1', '10.77.0.2']).setText(15, 'lab.example').setText(67, 'http://10.77.0.1/boot.ipxe').setEncapsulated(175, [noProxyDhcp]);
  return reply;
}

const ipxe = readGolden('dhcp', 'ipxe-rom-virtio-request');
const plain = readGolden('dhcp', 'udhcpc-discover');
const request = decoded(ipxe);
const reply = answer(request);
const rrq = readGolden('tftp', 'ovmf-rrq-tsize');
const header = Buffer.alloc(4);

measure('dhcp decode, iPXE REQUEST 412 bytes', () => decoded(ipxe).xid);
measure('dhcp decode, udhcpc DISCOVER 300 bytes', () => decoded(plain).xid);
measure('dhcp decode and read 9 options, iPXE', () => readAll(decoded(ipxe)));
measure('dhcp build a reply of 9 options', () => answer(request).options.size);
measure('dhcp encode a reply of 9 options', () => encodeReply(reply, { maxBytes: replyLimit(request) }).bytes.length);
measure('dhcp encode with overload and drops', () => encodeReply(reply, { maxBytes: 300 }).dropped.length);
measure('dhcp decode, read, build, encode', () => encodeReply(answer(decoded(ipxe)), { maxBytes: 1444 }).bytes.length);
measure('tftp decode RRQ', () => (decodeTftp(rrq).ok ? 1 : 0));
measure('tftp decode ACK', () => (decodeTftp(Buffer.from([0, 4, 0, 1])).ok ? 1 : 0));
measure('tftp DATA header in place', () => dataHeader(7, header).length);
measure('tftp encode OACK', () => encodeOack([{ name: 'blksize', value: '1468' }, { name: 'windowsize', value: '4' }]).length);

/**
 * Run inside a client's namespace: multicasts a router solicitation and prints the advertisement that comes, as hex after
 * its sender, or `-` after the time. Arguments: device, its index, milliseconds, and optionally a lifetime in seconds: then
 * it first advertises itself as a router with it.
 */
import { solicitation, emptyAdvertisement, parseIpv6 } from '../core/router-advertisement.ts';
import { openIcmp6Socket } from '../shell/icmp6-socket.ts';

const [device = '', index = '0', patience = '1000', lifetime] = process.argv.slice(2);
const ends = { source: new Uint8Array(16), destination: parseIpv6('ff02::2') ?? new Uint8Array(16) };
const socket = openIcmp6Socket({
  device, index: Number(index),
  onMessage: (bytes, from) => { if (bytes[0] === 134) finish(`${from} ${bytes.toString('hex')}`); },
  // While the kernel still checks the client's own address, nothing can be sent: the test asks again.
  onError: () => finish('-'),
});
const timer = setTimeout(() => finish('-'), Number(patience));
if (lifetime !== undefined) {
  // The kernel writes the checksum of a raw ICMPv6 socket itself (RFC 3542 §3.1), so bytes may be changed here.
  const advertisement = emptyAdvertisement(ends);
  new DataView(advertisement.buffer).setUint16(6, Number(lifetime));
  socket.send(advertisement, 'ff02::1');
}
socket.send(solicitation(ends), 'ff02::2');

let finished = false;
function finish(line: string): void {
  if (finished) return;
  finished = true;
  clearTimeout(timer);
  process.stdout.write(`${line}\n`);
  void socket.close();
}

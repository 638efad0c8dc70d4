/**
 * The load, run inside the clients' namespace: so many TFTP clients in one program, each with a socket of its own, each fetching the
 * file again and again. It must not be what limits: libc by koffi, one recvmmsg for a window, the payload left in the kernel (MSG_TRUNC)
 * and only its length and number looked at; whether the bytes are right is what the tests say. `node load-main.ts '<LoadOptions>'` prints a LoadReport.
 */
import { performance } from 'node:perf_hooks';
import { decodeTftp, encodeError, encodeRrq, knownOptions, TftpOp } from '../../libs/wire/src/index.ts';
import { addressNumber, allocate, writeEndpoint, writeWord } from '../../services/tftp/src/shell/memory.ts';
import { openLibc } from '../../libs/libc/src/index.ts';
import { openNative } from '../../services/tftp/src/shell/native.ts';
import { cpuMs, family } from '../dhcp/processes.ts';
import type { LoadOptions, LoadReport } from './load.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;
type Calls = {
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, op: number, fd: number, event: number): number;
  epoll_wait(epoll: number, events: number, most: number, timeoutMs: number): number;
  send(fd: number, at: number, length: number, flags: number): number;
  sendto(fd: number, at: number, length: number, flags: number, to: number, toLength: number): number;
};
const opened = openNative();
if (!opened.ok) throw new Error(`the load needs libc: ${opened.why}`);
const native = opened.libc;
const more = openLibc<Calls>({
  epoll_create1: 'int epoll_create1(int)', epoll_ctl: 'int epoll_ctl(int, int, int, uintptr_t)', epoll_wait: 'int epoll_wait(int, uintptr_t, int, int)',
  send: 'int64_t send(int, uintptr_t, uint64_t, int)', sendto: 'int64_t sendto(int, uintptr_t, uint64_t, int, uintptr_t, uint32_t)',
});
if (!more.ok) throw new Error(`the load needs libc: ${more.why}`);
const { epoll_create1: epollCreate, epoll_ctl: epollCtl, epoll_wait: epollWait, send, sendto } = more.libc;

const [AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, EPOLLIN, MSG_DONTWAIT_TRUNC] = [2, 2, 1, 8, 1, 0x60];
/** struct epoll_event is packed on x86 alone. */
const eventBytes = process.arch === 'x64' ? 12 : 16;
const eventData = eventBytes - 8;
const seenBytes = 128; // enough for an OACK; of DATA only the header counts
const vlen = 32;
const patienceMs = 1_000;

type Client = { fd: number; connected: boolean; blockBytes: number; window: number; have: number; sinceAck: number; heardAt: number; bytes: number; started: boolean };

const vector = allocate(native, vlen * 64 + vlen * 16);
const [names, seen, events, scratch] = [allocate(native, vlen * 16), allocate(native, vlen * seenBytes), allocate(native, 256 * eventBytes), allocate(native, 1024)];
for (let n = 0; n < vlen; n++) {
  const iovec = vlen * 64 + n * 16;
  writeWord(vector, iovec, seen.at + n * seenBytes);
  writeWord(vector, iovec + 8, seenBytes);
  writeWord(vector, n * 64, names.at + n * 16);
  vector.u32[n * 16 + 2] = 16;
  writeWord(vector, n * 64 + 16, vector.at + iovec);
  writeWord(vector, n * 64 + 24, 1);
}
const server = allocate(native, 16);
writeEndpoint(server, 0, { address: addressNumber(options.server), port: options.port });
const rrq = allocate(native, 256);
const rrqBytes = encodeRrq(options.file, [{ name: 'blksize', value: String(options.blockBytes) }, ...(options.windowBlocks > 1 ? [{ name: 'windowsize', value: String(options.windowBlocks) }] : [])]);
rrq.bytes.set(rrqBytes);
const ack = allocate(native, 8);
ack.bytes.set([0, TftpOp.ack]);
const number32 = allocate(native, 8);

const epoll = epollCreate(0);
const clients = new Map<number, Client>();
const report: LoadReport = { megabytesPerSecond: 0, packetsPerSecond: 0, serverMicroseconds: 0, started: 0, fetched: 0, repeated: 0, refused: 0, window: 1, loadCpuPercent: 0, slowestBytes: 0, fastestBytes: 0 };
const counted = { bytes: 0, packets: 0 };
let now = performance.now();

function open(client: Client): void {
  client.fd = native.socket(AF_INET, SOCK_DGRAM, 0);
  if (client.fd < 0) throw new Error(`no socket: ${native.errorName(native.errno())}`);
  number32.u32[0] = 256 * 1024;
  native.setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, number32.at, 4);
  scratch.u32[0] = EPOLLIN;
  scratch.bytes.writeUInt32LE(client.fd, eventData);
  epollCtl(epoll, 1, client.fd, scratch.at);
  Object.assign(client, { connected: false, blockBytes: 512, window: 1, have: 0, sinceAck: 0, heardAt: now });
  clients.set(client.fd, client);
  sendto(client.fd, rrq.at, rrqBytes.length, 0, server.at, 16);
}

function shut(client: Client): void {
  clients.delete(client.fd);
  native.close(client.fd);
}

function acknowledge(client: Client): void {
  client.sinceAck = 0;
  ack.bytes[2] = client.have >>> 8;
  ack.bytes[3] = client.have;
  send(client.fd, ack.at, 4, 0);
}

function hear(client: Client): void {
  const count = native.recvmmsg(client.fd, vector.at, client.window === 1 ? 1 : vlen, MSG_DONTWAIT_TRUNC, 0);
  if (count <= 0) return;
  client.heardAt = now;
  let gap = false;
  for (let n = 0; n < count; n++) {
    const at = n * seenBytes;
    const length = vector.u32[n * 16 + 14] ?? 0;
    if (seen.bytes[at + 1] !== TftpOp.data) { control(client, n, Math.min(length, seenBytes)); return; }
    if (!client.connected) adopt(client, n);
    const block = (seen.bytes[at + 2] ?? 0) << 8 | (seen.bytes[at + 3] ?? 0);
    if (block !== ((client.have + 1) & 0xffff)) { gap = true; continue; }
    client.have += 1;
    client.sinceAck += 1;
    client.bytes += length - 4;
    counted.bytes += length - 4;
    counted.packets += 1;
    client.started = true;
    if (length - 4 < client.blockBytes) return finish(client);
    if (client.sinceAck === client.window) { acknowledge(client); gap = false; }
  }
  if (gap) acknowledge(client);
}

/** From the first reply on the socket hears its transfer alone. */
function adopt(client: Client, n: number): void {
  native.connect(client.fd, names.at + n * 16, 16);
  client.connected = true;
}

function control(client: Client, n: number, length: number): void {
  const decoded = decodeTftp(seen.bytes.subarray(n * seenBytes, n * seenBytes + length));
  if (!decoded.ok || decoded.packet.kind === 'error') { report.refused += 1; return; }
  if (decoded.packet.kind !== 'oack') return;
  if (!client.connected) adopt(client, n);
  const agreed = knownOptions(decoded.packet.options);
  [client.blockBytes, client.window] = [agreed.blksize ?? 512, agreed.windowsize ?? 1];
  report.window = client.window;
  acknowledge(client);
}

function finish(client: Client): void {
  acknowledge(client);
  report.fetched += 1;
  shut(client);
  open(client);
}

function patience(): void {
  for (const client of [...clients.values()]) {
    if (now - client.heardAt < patienceMs) continue;
    client.heardAt = now;
    report.repeated += 1;
    if (client.connected) acknowledge(client);
    else sendto(client.fd, rrq.at, rrqBytes.length, 0, server.at, 16);
  }
}

/** Runs until `over` says so, asked every few milliseconds. */
function loop(over: () => boolean): void {
  for (let checkedAt = 0, patientAt = now; ; ) {
    const count = epollWait(epoll, events.at, 256, 10);
    now = performance.now();
    for (let n = 0; n < count; n++) {
      const client = clients.get(events.u32[(n * eventBytes + eventData) / 4] ?? -1);
      if (client !== undefined) hear(client);
    }
    if (now - patientAt > 200) { patience(); patientAt = now; }
    if (now - checkedAt > 5) { checkedAt = now; if (over()) return; }
  }
}

const began = now;
const all = Array.from({ length: options.clients }, (): Client => ({ fd: -1, connected: false, blockBytes: 512, window: 1, have: 0, sinceAck: 0, heardAt: 0, bytes: 0, started: false }));
for (const client of all) open(client);
loop(() => now - began > options.startMs || (now - began > 300 && all.every((client) => client.started)));
const serverMs = (): number => family(options.serverPid).reduce((sum, pid) => sum + cpuMs(pid), 0);
const serverBefore = serverMs();
for (const client of all) client.bytes = 0;
Object.assign(counted, { bytes: 0, packets: 0 });
const cpu = process.cpuUsage();
const measuredFrom = now = performance.now();
loop(() => now - measuredFrom > options.seconds * 1000);
const seconds = (now - measuredFrom) / 1000;
const { user, system } = process.cpuUsage(cpu);
report.serverMicroseconds = (serverMs() - serverBefore) * 1000 / Math.max(1, counted.packets);
report.megabytesPerSecond = counted.bytes / 1e6 / seconds;
report.packetsPerSecond = counted.packets / seconds;
report.loadCpuPercent = (user + system) / 1e4 / seconds;
report.started = all.filter((client) => client.started).length;
[report.slowestBytes, report.fastestBytes] = [Math.min(...all.map(({ bytes }) => bytes)), Math.max(...all.map(({ bytes }) => bytes))];
scratch.bytes.set(encodeError(0, 'enough'));
for (const client of clients.values()) if (client.connected) send(client.fd, scratch.at, 12, 0);
process.stdout.write(`${JSON.stringify(report)}\n`);

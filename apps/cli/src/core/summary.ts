/** One event as one line: time, type, key, and what is worth knowing. Unknown types show their plain fields. */
import type { Envelope } from '@ironbus/contracts';
import { formatBytes } from './table.ts';

type Data = Record<string, unknown>;

const typeWidth = 26;
const keyWidth = 17;

/** Local time of day with milliseconds; a date in front where it is not today. */
export function formatTime(time: string, now: Date = new Date()): string {
  const at = new Date(time);
  const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
  return at.toDateString() === now.toDateString() ? clock : `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clock}`;
}

export function formatEvent(event: Envelope, now?: Date): string {
  const key = event.nodeid !== undefined && event.nodeid !== event.subject ? `${event.subject}=${event.nodeid}` : event.subject;
  return `${formatTime(event.time, now)}  ${event.type.padEnd(typeWidth)}  ${key.padEnd(keyWidth)}  ${summarize(event)}`.trimEnd();
}

/** The words behind time, type and key. */
export function summarize({ type, data }: Pick<Envelope, 'type' | 'data'>): string {
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Data;
  return (summaries[type] ?? (type.endsWith('-requested') ? requested : plain))(fields).replace(/[\x00-\x1f\x7f]+/g, ' ').trim();
}

const join = (...parts: unknown[]): string => parts.filter((part) => part !== undefined && part !== null && part !== '').map(String).join(' ');
const inner = (data: Data, name: string): Data => (data[name] ?? {}) as Data;
const list = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : '');
const size = (value: unknown): string => (typeof value === 'number' ? formatBytes(value) : '');

function plain(data: Data): string {
  return Object.entries(data).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)).map(([name, value]) => `${name}=${String(value).slice(0, 80)}`).join(' ');
}

function requested(data: Data): string {
  const { requestedBy, comment, ...rest } = data;
  const image = inner(data, 'image')['id'];
  return join(`by ${String(requestedBy)}`, image === undefined ? '' : `image=${String(image)}`, plain(rest), comment === undefined ? '' : JSON.stringify(comment));
}

const step = (data: Data): string => `attempt ${String(data['attempt'])} step ${String(data['step'])}`;
const lease = (data: Data): string => join(data['address'], 'on', data['network'], data['leaseSeconds'] === undefined ? '' : `for ${String(data['leaseSeconds'])} s`);

const summaries: Readonly<Record<string, (data: Data) => string>> = {
  'node.discovered': (data) => join(inner(data, 'node')['hostname'], inner(data, 'node')['status'], list(inner(data, 'node')['macs'])),
  'node.transitioned': (data) => `${String(data['from'])} → ${String(data['to'])}: ${String(data['why'])}`,
  'node.updated': (data) => join(inner(data, 'node')['hostname'], list(data['changed'])),
  'node.snapshotted': (data) => join(inner(data, 'node')['hostname'], inner(data, 'node')['status']),
  'node.request-refused': (data) => `${String(data['request'])}: ${String(data['code'])} ${String(data['message'])}`,
  'node.deadline-passed': (data) => `${String(data['deadline'])} waited for ${String(data['awaited'])}, ${data['remedy'] === null ? 'nothing is left to try' : `next: ${String(data['remedy'])}`}`,
  'node.checked-in': (data) => join(data['operation'], 'attempt', data['attempt'], 'from', data['ip'], data['firmware'], data['architecture']),
  'node.inventory-reported': (data) => {
    const hardware = inner(data, 'inventory');
    const disks = (hardware['disks'] ?? []) as Data[];
    return join(inner(hardware, 'cpu')['model'], size(inner(hardware, 'memory')['totalBytes']), disks.map((disk) => `${String(disk['name'])} ${size(disk['sizeBytes'])}`).join(', '));
  },
  'node.step-claimed': (data) => join(step(data), 'claim', data['claim']),
  'node.step-reported': (data) => join(step(data), data['outcome'], data['reason'], data['message'], data['last'] === true ? '(last)' : ''),
  'node.heartbeat': (data) => join(step(data), size(data['bytesDone']), 'of', size(data['bytesTotal'])),
  'node.log-reported': (data) => String(data['text']).trimEnd().split('\n').at(-1) ?? '',
  'node.phoned-home': (data) => join(data['hostname'], 'at', data['address']),
  'node.status-reported': (data) => join(data['origin'], data['eventType'], data['name'], data['result']),
  'lease.offered': lease, 'lease.granted': lease, 'lease.renewed': lease,
  'image.added': (data) => join(inner(data, 'image')['name'], size(inner(data, 'image')['sizeBytes'])),
  'network.changed': (data) => (data['network'] === null ? 'removed' : join(inner(data, 'network')['cidr'], 'mode', inner(data, 'network')['mode'])),
  'rack.joined': (data) => join('key', data['publicKey']),
  'audit.recorded': (data) => join(data['method'], data['path'], data['status'], 'from', data['address']),
};

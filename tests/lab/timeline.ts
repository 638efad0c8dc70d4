/** What happened to each machine, as a table a person can read. Pure. */
import type { Envelope } from '@ironbus/contracts';

/** Events worth a line, and what the line says beside the type. */
const told: Record<string, (data: Record<string, unknown>) => string> = {
  'dhcp.discover': (data) => String(data['client']),
  'dhcp.ignored': (data) => `${data['reason']}`,
  'lease.offered': (data) => `${data['address']} ${data['rule']} ${data['bootFile'] ?? ''}`,
  'lease.granted': (data) => String(data['address']),
  'tftp.rrq': (data) => String(data['file']),
  'tftp.completed': (data) => `${data['file']}`,
  'tftp.failed': (data) => `${data['file']}: ${data['reason']}`,
  'tftp.refused': (data) => `${data['file']}: ${data['reason']}`,
  'boot.refused': (data) => `${data['path']}: ${data['reason']}`,
  'boot.script-served': (data) => `${data['answer']} (${data['rule']})`,
  'boot.file-served': (data) => String(data['path']),
  'node.checked-in': (data) => `${data['operation']}, ${data['firmware']}, up ${data['uptimeSeconds']} s`,
  'node.discovered': () => '',
  'node.transitioned': (data) => `${data['from']} -> ${data['to']}`,
  'node.step-claimed': (data) => `${data['step']} (claim ${data['claim']})`,
  'node.step-reported': (data) => `${data['step']} ${data['outcome']} after ${data['seconds']} s`,
  'node.phoned-home': (data) => String(data['address']),
  'power.requested': (data) => `${data['action']}, boot ${data['bootDevice']}`,
  'power.changed': (data) => `${data['previous']} -> ${data['state']}, boot device ${data['bootDeviceVerified'] === true ? 'verified' : 'unverified'}`,
  'power.failed': (data) => String(data['message']),
};

/** One block per machine; seconds count from its first event. */
export function timeline(events: readonly Envelope[]): string {
  // Before lifecycle named it, a machine's events are keyed by its MAC, or by mac-<mac>.
  const nodeOf = new Map(events.filter((event) => event.nodeid !== undefined).map((event) => [event.subject, event.nodeid!]));
  const keyOf = (event: Envelope): string => event.subject.replace(/^mac-/, '');
  const machines = Map.groupBy(events.filter((event) => event.type in told), (event) => event.nodeid ?? nodeOf.get(keyOf(event)) ?? keyOf(event));
  return [...machines].map(([node, own]) => block(node, own)).join('\n\n');
}

function block(node: string, events: readonly Envelope[]): string {
  const ordered = [...new Map(events.map((event) => [event.id, event])).values()].sort((a, b) => a.time.localeCompare(b.time));
  const start = Date.parse(ordered[0]?.time ?? '');
  const boots = new Map<string, number>();
  const lines = ordered.map((event) => {
    if (event.bootid !== undefined && !boots.has(event.bootid)) boots.set(event.bootid, boots.size + 1);
    const boot = event.bootid === undefined ? '      ' : `boot ${boots.get(event.bootid)}`;
    return `  ${((Date.parse(event.time) - start) / 1000).toFixed(2).padStart(7)}  ${boot}  ${event.type.padEnd(20)} ${told[event.type]?.(event.data as Record<string, unknown>) ?? ''}`.trimEnd();
  });
  return `${node}\n${lines.join('\n')}`;
}

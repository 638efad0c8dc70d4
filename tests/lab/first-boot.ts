/**
 * A machine that nobody knows, from the power button to the agent's first word: for firmware, loaders and networks of every
 * kind. It has no BMC, and is switched off when it has checked in.
 */
import assert from 'node:assert/strict';
import type { CheckIn, Envelope } from '@ironbus/contracts';
import type { Fixture } from './fixture.ts';
import { addMachine, type Machine } from './harness/machine.ts';
import type { Firmware, MachineSpec } from './harness/qemu-argv.ts';
import { waitUntil } from './harness/run.ts';
import { isRunning } from './stack.ts';
import { timeline } from './timeline.ts';

export type Newcomer = { index: number; firmware: Firmware } & Partial<Pick<MachineSpec, 'nic' | 'network' | 'memoryMb'>>;

/** Racked, wired, off. `index` gives it its addresses, which no other machine of the lab may have. */
export function newcomer(lab: Fixture['lab'], { index, firmware, nic = 'virtio-net-pci', network = 'pxe', memoryMb = 1024 }: Newcomer): Promise<Machine> {
  const hex = (index + 1).toString(16).padStart(2, '0');
  return addMachine(lab, {
    name: `new${index + 1}`, mac: `52:54:00:77:01:${hex}`, uuid: `a1234567-89ab-4cde-8123-4567890001${hex}`, serial: `NEW-${index + 1}`, firmware,
    memoryMb, cpus: 1, nic, network, disks: [{ sizeGb: 1, serial: `DISK-${index + 1}` }],
  });
}

/** Everything that was said of one machine, by its MAC or by the node it became. */
export function eventsOf(events: readonly Envelope[], mac: string): Envelope[] {
  const token = mac.replaceAll(':', '');
  const own = (event: Envelope): boolean => event.subject.replace(/^mac-/, '') === token;
  const nodes = new Set(events.filter(own).map((event) => event.nodeid).filter((node) => node !== undefined));
  return events.filter((event) => own(event) || (event.nodeid !== undefined && nodes.has(event.nodeid)));
}

export type FirstBoot = { checkIn: CheckIn; events: Envelope[]; offers: Offer[]; filesByTftp: string[] };
/** What DHCP told the machine to boot, and which rule of its table said so; repeated answers count once. */
export type Offer = { client: string; rule: string; bootFile: string | undefined };

/** Presses the button and waits for the check-in; prints what happened, and fails with it when nothing came of it. */
export async function firstBoot({ events, stack }: Fixture, machine: Machine, timeoutMs = 300_000): Promise<FirstBoot> {
  const { mac, name } = machine.spec;
  await machine.power('on');
  const checkedIn = (): Envelope | undefined => {
    assert.ok(isRunning(stack.pid), 'the stack has ended');
    return eventsOf(events, mac).find((event) => event.type === 'node.checked-in');
  };
  const checkIn = await waitUntil(`${name} to check in`, checkedIn, { timeoutMs, everyMs: 100 })
    .catch((error: Error) => assert.fail(`${error.message}\n${timeline(eventsOf(events, mac))}\nits serial console ends:\n${tail(machine.serial())}\nthe stack's log ends:\n${tail(stack.log())}`))
    .finally(() => machine.power('off'));
  const own = eventsOf(events, mac);
  console.log(timeline(own));
  return { checkIn: checkIn.data as CheckIn, events: own, offers: offersIn(own), filesByTftp: filesIn(own) };
}

function offersIn(events: readonly Envelope[]): Offer[] {
  const offers = events.filter((event) => event.type === 'lease.offered').map(({ data }): Offer => {
    const { client, rule, bootFile } = data as Offer;
    return { client, rule, bootFile };
  });
  return [...new Map(offers.map((offer) => [JSON.stringify(offer), offer])).values()];
}

const filesIn = (events: readonly Envelope[]): string[] =>
  [...new Set(events.filter((event) => event.type === 'tftp.completed').map((event) => (event.data as { file: string }).file))];

const tail = (text: string): string => text.slice(-1500);

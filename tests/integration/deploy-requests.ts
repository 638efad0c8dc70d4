/** Every request that a simulated machine makes in an operation, in order: the rows of the tables in power-loss.test.ts. */
import assert from 'node:assert/strict';
import { Reset, type Machine } from '@ironbus/sim';

export type Moment = 'before' | 'after';

const loader = ['discover firmware', 'request firmware', 'loader size', 'loader', 'discover ipxe', 'request ipxe', 'script'];
const kernel = [...loader, 'kernel', 'initrd', 'discover os', 'request os'];
const step = (id: string, ...within: string[]): string[] => [`claim ${id}`, ...within, `report ${id}`];
const agent = [...kernel, 'check-in', ...step('write-image', 'heartbeat', 'image'), ...step('grow'), ...step('seed')];

export const requestsOf = {
  image: [...agent, ...loader, 'phone-home'],
  maas: [...agent, ...loader, 'metadata local-hostname', 'metadata vendor-data', 'phone-home'],
  profile: [...kernel, 'config', 'phone-home', ...loader],
  erase: [...kernel, 'check-in', ...step('erase')],
} as const satisfies Record<string, readonly string[]>;
export type Operation = keyof typeof requestsOf;

/** What the machine asks for from now on; repetitions count once. */
export function record(machine: Machine): string[] {
  const asked: string[] = [];
  machine.onRequest = (request, moment) => { if (moment === 'before') asked.push(request); };
  return asked;
}

/** Power fails once, at the request with this index. `name` is only compared. */
export function loseAt(machine: Machine, { index, name, moment }: { index: number; name: string; moment: Moment }): { lost(): boolean } {
  let count = -1;
  let lost = false;
  machine.onRequest = (request, now) => {
    if (now === 'before') count += 1;
    if (lost || count !== index || now !== moment) return;
    lost = true;
    assert.equal(request, name);
    throw new Reset(`${moment} ${name}`);
  };
  return { lost: () => lost };
}

/** Stands still at the request with this index until released. */
export function holdAtRequest(machine: Machine, { index, moment }: { index: number; moment: Moment }): { reached: Promise<void>; release(): void } {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let count = -1;
  machine.onRequest = (_request, now) => {
    if (now === 'before') count += 1;
    if (count !== index || now !== moment) return;
    reached.resolve();
    return released.promise;
  };
  return { reached: reached.promise, release: () => { machine.onRequest = undefined; released.resolve(); } };
}

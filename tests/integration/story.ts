/** What a person does with a machine, through the public API, and waiting for what comes of it. */
import type { Node, Status } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import type { Machine } from '@ironbus/sim';
import type { Rig } from './rig.ts';

export const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me@host';

/** Waits for a status; names what the machine went through where it does not come. */
export async function untilStatus(rig: Rig, machine: Machine, id: string, wanted: Status, timeoutMs = 30_000): Promise<Node> {
  let last: Node | undefined;
  const poll = async (): Promise<Node | undefined> => {
    last = await rig.client.machine(id);
    return last.status === wanted ? last : undefined;
  };
  return waitFor(poll, { what: `${machine.spec.name} to be ${wanted}`, timeoutMs, everyMs: 25 }).catch((error: unknown) => {
    const { status, statusMessage, failure, operation } = last ?? {};
    throw new Error(`${machine.spec.name} is not ${wanted} but ${JSON.stringify({ status, statusMessage, failure, operation })}\n${machine.diary.slice(-40).join('\n')}`, { cause: error });
  });
}

/** Presses the button of a machine nobody knows; gives it once its inventory is known and it is off again. */
export async function enlist(rig: Rig, machine: Machine): Promise<Node> {
  machine.bmc.press('on');
  const node = await waitFor(async () => {
    const found = await rig.client.machineByMac(machine.spec.mac);
    return found?.hardware === null ? undefined : found;
  }, { what: `${machine.spec.name} to be enlisted`, timeoutMs: 30_000, everyMs: 25 }).catch((error: unknown) => { throw new Error(`not enlisted:\n${machine.diary.join('\n')}`, { cause: error }); });
  await waitFor(() => machine.bmc.power() === 'off', { what: `${machine.spec.name} to be off`, everyMs: 25 });
  return node;
}

export const setPower = (rig: Rig, machine: Machine, id: string, password = machine.bmc.password): Promise<Node> =>
  rig.client.patch(`/machines/${id}`, { power: { type: 'ipmi', address: machine.bmc.address, username: machine.bmc.username, password } });

/** From a dark machine to Ready. */
export async function makeReady(rig: Rig, machine: Machine): Promise<Node> {
  const { id } = await enlist(rig, machine);
  await setPower(rig, machine, id);
  await rig.client.post(`/machines/${id}/accept`);
  const node = await untilStatus(rig, machine, id, 'Ready');
  await waitFor(() => machine.bmc.power() === 'off', { what: `${machine.spec.name} to be off`, everyMs: 25 });
  return node;
}

export const askDeploy = (rig: Rig, id: string, body: Record<string, unknown> = {}): Promise<Node> =>
  rig.client.post(`/machines/${id}/deploy`, { image: 'debian', ...body });

/** Holds a machine at a stage: `reached` resolves when it is there, and it goes on after `release`. */
export function holdAt(machine: Machine, stage: string): { reached: Promise<void>; release: () => void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  machine.gate = async (now) => {
    if (now !== stage) return;
    reached.resolve();
    await released.promise;
  };
  return { reached: reached.promise, release: () => { machine.gate = () => undefined; released.resolve(); } };
}

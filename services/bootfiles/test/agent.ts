/** An agent of the protocol for the tests: says what it is told to say and keeps the answers. */
import assert from 'node:assert/strict';
import type { Claim, Plan } from '@ironbus/contracts';
import { mac } from './fixtures.ts';
import type { Rack } from './rack.ts';

export type Answer<T = Record<string, unknown>> = { status: number; body: T };
export const macPath = mac.replaceAll(':', '-');

export async function fetchScript(rack: Rack, path = macPath): Promise<string> {
  const response = await fetch(rack.url(`/boot/${path}/script.ipxe`));
  assert.equal(response.status, 200);
  return response.text();
}

/** Fetches the script as a loader does; asserts that it boots the agent. */
export async function boot(rack: Rack): Promise<ReturnType<typeof agentWith>> {
  const script = await fetchScript(rack);
  const token = /ironbus\.token=([A-Za-z0-9_-]{43}) /.exec(script)?.[1];
  assert.ok(token !== undefined, `no agent in:\n${script}`);
  return agentWith(rack, token);
}

export function agentWith(rack: Rack, token: string) {
  const call = async <T>(path: string, body: unknown): Promise<Answer<T>> => {
    const response = await fetch(rack.url(`/agent/v1/${path}`), {
      method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
    return { status: response.status, body: (response.status === 204 ? {} : await response.json()) as T };
  };
  const report = (step: string, attempt: number, claim: number, outcome = 'succeeded', reason: string | null = null) =>
    call<{ next: string }>(`steps/${step}/report`, { attempt, claim, outcome, reason, message: null, evidence: {}, seconds: 1 });
  return {
    token, call, report,
    checkIn: () => call<Plan>('check-in', {
      mac, ip: '127.0.0.1', firmware: 'bios', secureBoot: false, architecture: 'amd64', uuid: null, serial: null, agentVersion: 'test', uptimeSeconds: 1,
    }),
    claim: (step: string, attempt: number) => call<Claim>(`steps/${step}/claim`, { attempt }),
    /** Claims and reports steps in order; gives the last `next`. */
    async run(attempt: number, steps: readonly string[]): Promise<string | undefined> {
      let next: string | undefined;
      for (const step of steps) {
        const claimed = await call<Claim>(`steps/${step}/claim`, { attempt });
        assert.equal(claimed.status, 200, JSON.stringify(claimed.body));
        next = (await report(step, attempt, claimed.body.claim)).body.next;
      }
      return next;
    },
  };
}

export const inventory = {
  firmware: 'bios', secureBoot: false, architecture: 'amd64', cpu: { model: null, sockets: 1, cores: 1, threads: 1 }, memory: { totalBytes: 1, modules: [] }, disks: [], nics: [],
  dmi: { manufacturer: null, product: null, serial: null, uuid: null, boardManufacturer: null, boardProduct: null, biosVendor: null, biosVersion: null, chassisSerial: null }, bmc: null,
};

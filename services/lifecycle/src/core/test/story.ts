/** For tests: events as their owners would make them, and a node that lives through them. */
import type { EventId, Image, Inventory, Mac } from '@ironbus/contracts';
import { decide } from '../decide.ts';
import type { Decision, Fact, Input, LifecycleEvent, NodeRecord, PowerEffect, Settings, What } from '../record.ts';

export const mac = '52:54:00:77:00:01' as Mac;
export const otherMac = '52:54:00:77:00:02' as Mac;
export const startMs = Date.parse('2026-03-01T10:00:00.000Z');

export const settings: Settings = {
  powerSeconds: 120, checkInSeconds: 600, phoneHomeSeconds: 1200, missingSeconds: 0, staleSeconds: 86_400, testSeconds: 30, maxClaims: 3,
  stepSeconds: { inventory: 600, erase: 3600, 'write-image': 3600, grow: 600, seed: 600, test: 600, install: 7200 },
  ladder: ['re-arm-netboot', 'power-cycle', 'other-boot-path'], autoAccept: false, releaseErase: 'none', kernelArguments: 'console=ttyS0',
};

export const disk = (over: Partial<Inventory['disks'][number]> = {}): Inventory['disks'][number] => ({
  name: 'vda', path: '/dev/vda', sizeBytes: 8 * 1024 ** 3, blockBytes: 512, serial: 'DISK1', wwn: null, model: null, rotational: false, transport: 'virtio', removable: false, ...over,
});

export const inventory = (over: Partial<Inventory> = {}): Inventory => ({
  firmware: 'bios', secureBoot: false, architecture: 'amd64', cpu: { model: 'cpu', sockets: 1, cores: 2, threads: 4 },
  memory: { totalBytes: 2 * 1024 ** 3, modules: [] }, disks: [disk()],
  nics: [
    { name: 'eth0', mac, link: true, speedMbps: 1000, driver: 'virtio_net', pciId: null, booted: true },
    { name: 'eth1', mac: otherMac, link: false, speedMbps: null, driver: 'virtio_net', pciId: null, booted: false },
  ],
  dmi: {
    manufacturer: 'QEMU', product: 'Standard PC', serial: 'SER-77', uuid: '5b2d4f1a-0001-4c3d-9e8f-aabbccddeeff', boardManufacturer: null, boardProduct: null,
    biosVendor: null, biosVersion: null, chassisSerial: null,
  },
  bmc: null, ...over,
});

export const image: Image = {
  id: 'debian-13', name: 'Debian 13', os: 'debian', release: '13', architecture: 'amd64', format: 'raw', compression: 'zstd', sizeBytes: 300_000_000,
  sha256: 'a'.repeat(64), addedAt: '2026-01-01T00:00:00.000Z', defaultUser: 'debian',
};

let counter = 0;

/** An event with an id of its own; `at` is seconds after the story's start. */
export function event<T extends LifecycleEvent['type']>(type: T, data: object, at = 0): Extract<LifecycleEvent, { type: T }> {
  counter += 1;
  return {
    specversion: '1.0', id: `event-${counter}` as EventId, type, source: '/racks/rack1/test/1', subject: 'mac-525400770001',
    time: new Date(startMs + at * 1000).toISOString(), datacontenttype: 'application/json', dataschema: '', data,
  } as unknown as Extract<LifecycleEvent, { type: T }>;
}

export const checkedIn = (attempt: number, at = 0, over: object = {}) => event('node.checked-in', {
  mac, ip: '10.77.0.100', firmware: 'bios', secureBoot: false, architecture: 'amd64', uuid: '5b2d4f1a-0001-4c3d-9e8f-aabbccddeeff', serial: 'SER-77',
  agentVersion: 'v', uptimeSeconds: 3, rack: 'rack1', network: 'lan1', operation: attempt === 0 ? 'enlisting' : 'deploying', attempt, ...over,
}, at);
export const inventoried = (attempt: number, at = 0, over: Partial<Inventory> = {}) =>
  event('node.inventory-reported', { mac, rack: 'rack1', attempt, inventory: inventory(over) }, at);
export const claimed = (attempt: number, step: string, at = 0, claim = 1) => event('node.step-claimed', { mac, attempt, step, kind: kindOf(step), claim }, at);
export const reported = (attempt: number, step: string, at = 0, over: object = {}) => event('node.step-reported', {
  mac, attempt, claim: 1, outcome: 'succeeded', reason: null, message: null, evidence: {}, seconds: 1, step, kind: kindOf(step), last: false, ...over,
}, at);
export const phonedHome = (attempt: number, at = 0) =>
  event('node.phoned-home', { mac, attempt, address: '10.77.0.100', hostname: 'node', hostKeys: ['ssh-ed25519 AAAA'] }, at);
export const powerChanged = (sequence: number, action: string, state: string, at = 0) =>
  event('power.changed', { sequence, action, state, previous: 'unknown', bootDeviceVerified: true, seconds: 1 }, at);
export const powerFailed = (sequence: number, reason: string, final = true, at = 0) =>
  event('power.failed', { sequence, action: 'cycle', reason, message: 'the BMC refused the password', final }, at);
export const asks = (action: string, data: object = {}, at = 0): LifecycleEvent =>
  event(`node.${action}-requested` as LifecycleEvent['type'], { requestedBy: 'alice', ...data }, at);
export const deploy = (over: object = {}) => asks('deploy', { image, sshKeys: [], userDataSha256: null, deployData: null, ...over });

const kindOf = (step: string): string => step.startsWith('test-') ? 'test' : step;

/** A node that lives through inputs, and everything it said and asked for. */
export class Life {
  record: NodeRecord | undefined;
  facts: Fact[] = [];
  power: PowerEffect[] = [];
  now = startMs;
  settings: Settings;
  last: Decision = { outcome: 'ignored', reason: 'unknown-node' };

  constructor(over: Partial<Settings> = {}, record?: NodeRecord) {
    this.settings = { ...settings, ...over };
    this.record = record;
  }

  /** Gives events one after the other. */
  see(...events: LifecycleEvent[]): this {
    for (const one of events) this.give({ kind: 'event', event: one });
    return this;
  }

  give(what: What, taken: Partial<Input['taken']> = {}): this {
    const decision = decide(this.record, {
      what, now: new Date(this.now), settings: this.settings, taken: { macs: new Set(), names: new Set(), ...taken }, goneAt: null, salt: 0,
    });
    this.last = decision;
    if (decision.outcome === 'ignored') return this;
    this.record = decision.record ?? undefined;
    this.facts.push(...decision.facts);
    this.power.push(...decision.power);
    return this;
  }

  /** Lets the current deadline pass. */
  timeOut(): this {
    const wait = this.record?.own.wait;
    if (wait == null) throw new Error('nothing is awaited');
    this.now = Date.parse(wait.at);
    return this.give({ kind: 'deadline', name: wait.deadline, atMs: this.now });
  }

  get node() {
    if (this.record === undefined) throw new Error('there is no node');
    return this.record.node;
  }

  get attempt(): number { return this.node.operation?.attempt ?? 0; }
  get path(): string[] { return this.facts.flatMap((fact) => fact.type === 'node.transitioned' ? [fact.data.to] : []); }
  get lastFact(): Fact | undefined { return this.facts.at(-1); }
  get lastPower(): PowerEffect | undefined { return this.power.at(-1); }

  copy(): Life {
    const twin = new Life(this.settings, structuredClone(this.record));
    twin.now = this.now;
    return twin;
  }
}

const ipmi = { powerType: 'ipmi', powerAddress: '10.0.0.9', powerParametersSet: true, bmcRack: 'rack1' };

/** Enlisted, inventoried, with a BMC. */
export const enlisted = (over: Partial<Settings> = {}): Life =>
  new Life(over).see(checkedIn(0), inventoried(0), reported(0, 'inventory', 0, { last: true }), asks('update', ipmi));

/** The power request in flight is done. */
export function powerDone(life: Life): LifecycleEvent {
  const asked = life.lastPower;
  if (asked === undefined) throw new Error('no power was asked for');
  return powerChanged(asked.sequence, asked.action, asked.action === 'off' ? 'off' : 'on', 1);
}

export function ready(over: Partial<Settings> = {}): Life {
  const life = enlisted(over).see(asks('accept'));
  return life.see(powerDone(life), checkedIn(1, 2), claimed(1, 'inventory', 3), inventoried(1, 4), reported(1, 'inventory', 5, { last: true }));
}

export const deploying = (over: Partial<Settings> = {}): Life => ready(over).see(asks('allocate', { owner: 'alice' }), deploy());

/** Everything that a good deployment of attempt `attempt` brings, in order. */
export const deploymentFacts = (attempt: number, power: LifecycleEvent): LifecycleEvent[] => [
  power, checkedIn(attempt, 10), claimed(attempt, 'write-image', 11), reported(attempt, 'write-image', 12), claimed(attempt, 'grow', 13), reported(attempt, 'grow', 14),
  claimed(attempt, 'seed', 15), reported(attempt, 'seed', 16, { last: true }), phonedHome(attempt, 17),
];

export function deployed(over: Partial<Settings> = {}): Life {
  const life = deploying(over);
  return life.see(...deploymentFacts(life.attempt, powerDone(life)));
}

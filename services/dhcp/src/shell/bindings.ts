/**
 * The bucket `bindings`: which machine is behind an address, and in which boot. Written before the ACK leaves where the
 * address or the boot changed, by compare-and-set, so that two replicas agree on one boot id.
 * While NATS is away the ACK leaves without it and the write is tried until it works.
 */
import { randomUUID } from 'node:crypto';
import { bindingsBucket, parseIpv4, type Binding, type Ipv4, type Mac, type NodeId } from '@ironbus/contracts';
import type { Bucket, Bus, View } from '@ironbus/bus';
import { retryForever, within, type Logger } from '@ironbus/runtime';
import { newBoot, type Boot, type BootChange, type Sign } from '../core/boot-id.ts';

export type Seen = Sign & { mac: Mac };
/** `how`: leased by us, or heard of beside a foreign server; leased where left out. */
export type Held = { mac: Mac; address: Ipv4; network: string; node: NodeId | null; how?: Binding['how'] };
/** `fromNetwork`: the boot began in firmware or our loader, not in an operating system. */
type Known = Boot & { fromNetwork?: boolean; written?: { address: Ipv4; node: string | null; bootId: string; stage: string } };

const patienceMs = 400;
const mostTries = 4;
/** Bindings of strangers, under way and a second; beyond that they go without: nothing that they ask us for depends on it. */
const mostStrangers = 16;
const strangersPerSecond = 50;

export class Bindings {
  readonly #rack: string;
  readonly #log: Logger;
  readonly #bucket: Bucket<typeof bindingsBucket>;
  readonly #view: View<typeof bindingsBucket>;
  readonly #boots = new Map<Mac, Known>();
  readonly #stopper = new AbortController();
  #strangers = 0;
  #strangersSince = { second: 0, count: 0 };
  readonly #retrying = new Map<string, Held>();
  /** The last revision of a key that is known here, and whose it is: the view lags behind this process's own writes. */
  readonly #revisions = new Map<string, { revision: number; mac: Mac | undefined }>();

  constructor(bus: Bus, log: Logger) {
    this.#rack = bus.origin.rack;
    this.#log = log;
    this.#bucket = bus.kv(bindingsBucket);
    this.#view = bus.watch(bindingsBucket, { onChange: (key, value, revision) => this.#onChange(key, value, revision) });
  }

  stop(): void {
    this.#stopper.abort(new Error('the service stops'));
  }

  /** Notes a packet; returns the id of the boot it belongs to, a new one where the rule says so. */
  note({ mac, ...sign }: Seen): { bootId: string; change: BootChange | undefined } {
    const known = this.#boots.get(mac);
    const change = newBoot(known, sign);
    const bootId = change === undefined ? (known?.bootId ?? randomUUID()) : randomUUID();
    // A renewal belongs to the system that runs; it does not make a machine in firmware one with a system.
    const stage = sign.extending && known !== undefined ? known.stage : sign.stage;
    const fromNetwork = stage !== 'os' || (change === undefined && known?.fromNetwork === true);
    this.#boots.set(mac, { ...(known?.written && { written: known.written }), bootId, stage, seenAtMs: sign.atMs, beganAtMs: change === undefined ? (known?.beganAtMs ?? sign.atMs) : sign.atMs, fromNetwork });
    return { bootId, change };
  }

  bootIdOf(mac: Mac): string | undefined {
    return this.#boots.get(mac)?.bootId;
  }

  /** Whether the machine's present boot came from the network. */
  boots(mac: Mac): boolean {
    return this.#boots.get(mac)?.fromNetwork === true;
  }

  /** For machines that nobody waits for: written in the background where not many are, and not tried again. */
  tryLater(held: Held): void {
    if (this.#strangers >= mostStrangers || this.#isWritten(held) || !this.#mayWriteStranger(held.mac)) return;
    this.#strangers += 1;
    this.#write(held)
      .catch((error: unknown) => this.#log.debug({ mac: held.mac, reason: String(error) }, 'binding of a stranger not written'))
      .finally(() => { this.#strangers -= 1; });
  }

  #mayWriteStranger(mac: Mac): boolean {
    const second = Math.floor((this.#boots.get(mac)?.seenAtMs ?? Date.now()) / 1_000);
    if (second !== this.#strangersSince.second) this.#strangersSince = { second, count: 0 };
    this.#strangersSince.count += 1;
    return this.#strangersSince.count <= strangersPerSecond;
  }

  /** Writes the binding where it changed. Resolves when it is there, or after 0.4 s while the write goes on; never rejects. */
  async ensure(held: Held): Promise<'unchanged' | 'written' | 'later'> {
    if (this.#isWritten(held)) return 'unchanged';
    const writing = this.#write(held);
    writing.catch((error: unknown) => this.#later(held, error));
    try {
      return await within(writing, patienceMs) === 'late' ? 'later' : 'written';
    } catch (error) {
      this.#log.debug({ mac: held.mac, reason: String(error) }, 'binding not written yet');
      return 'later';
    }
  }

  /** Removes the binding of an address that its machine no longer has. Never rejects: a stale one is overwritten by the next lease. */
  async drop(mac: Mac, address: Ipv4): Promise<void> {
    const boot = this.#boots.get(mac);
    if (boot?.written?.address === address) delete boot.written;
    if (this.#view.get(this.#key(address))?.mac !== mac) return;
    try {
      await this.#bucket.delete(this.#key(address));
    } catch (error) {
      this.#log.debug({ mac, reason: String(error) }, 'stale binding left');
    }
  }

  /** Forgets boots of machines that hold no binding and were silent; returns how many. */
  prune(beforeMs: number): number {
    let dropped = 0;
    for (const [mac, boot] of this.#boots) {
      if (boot.written !== undefined || boot.seenAtMs > beforeMs) continue;
      this.#boots.delete(mac);
      dropped += 1;
    }
    return dropped;
  }

  #key(address: string): string {
    return `${this.#rack}.${address}`;
  }

  #isWritten(held: Held): boolean {
    const boot = this.#boots.get(held.mac);
    const written = boot?.written;
    return written !== undefined && written.address === held.address && written.node === held.node && written.bootId === boot?.bootId && written.stage === boot.stage;
  }

  async #write(held: Held): Promise<void> {
    const key = this.#key(held.address);
    for (let tries = 0; tries < mostTries; tries += 1) {
      const revision = Math.max(this.#view.revisionOf(key) ?? 0, this.#revisions.get(key)?.revision ?? 0);
      const value = this.#value(held);
      const done = revision === 0 ? await this.#bucket.create(key, value) : await this.#bucket.update(key, value, revision);
      if (done !== undefined) return this.#wrote(key, value, done);
      this.#adopt(held.mac, await this.#bucket.get(key), key);
    }
    throw new Error(`the binding of ${held.address} changed ${mostTries} times while it was written`);
  }

  #value({ mac, address, network, node, how = 'leased' }: Held): Binding {
    const boot = this.#boots.get(mac);
    const at = new Date(boot?.seenAtMs ?? Date.now()).toISOString();
    return { address: address as unknown as Binding['address'], mac, node, network, bootId: boot?.bootId ?? randomUUID(), how, stage: boot?.stage ?? 'os', at };
  }

  #wrote(key: string, value: Binding, revision: number): void {
    this.#revisions.set(key, { revision, mac: value.mac });
    const boot = this.#boots.get(value.mac);
    if (boot !== undefined) boot.written = { address: value.address as unknown as Ipv4, node: value.node, bootId: value.bootId, stage: value.stage };
  }

  /** A sibling was first: its boot id counts where it is about the same machine and the same boot. */
  #adopt(mac: Mac, found: { value: Binding; revision: number } | undefined, key: string): void {
    this.#revisions.set(key, { revision: found?.revision ?? 0, mac: found?.value.mac });
    const boot = this.#boots.get(mac);
    if (found === undefined || boot === undefined || found.value.mac !== mac) return;
    const theirs = bootOf(found.value);
    if (newBoot(theirs, { stage: boot.stage, atMs: boot.seenAtMs, extending: false }) === undefined) boot.bootId = theirs.bootId;
  }

  /** Bindings of this rack that somebody else wrote, or this process before it was restarted. */
  #onChange(key: string, value: Binding | undefined, revision: number): void {
    if (!key.startsWith(`${this.#rack}.`)) return;
    if (value === undefined) {
      this.#revisions.delete(key);
      return;
    }
    if (revision <= (this.#revisions.get(key)?.revision ?? 0)) return;
    const address = parseIpv4(value.address);
    const known = this.#boots.get(value.mac);
    if (address === undefined || (known !== undefined && known.seenAtMs > Date.parse(value.at))) return;
    // The echo of an own write may come before its acknowledgement; it knows less of the boot than this process does.
    const sameBoot = known?.bootId === value.bootId ? known : undefined;
    const written = { address, node: value.node, bootId: value.bootId, stage: value.stage };
    this.#boots.set(value.mac, { ...bootOf(value), fromNetwork: value.stage !== 'os' || sameBoot?.fromNetwork === true, ...(sameBoot && { beganAtMs: sameBoot.beganAtMs }), written });
  }

  #later(held: Held, why: unknown): void {
    const key = this.#key(held.address);
    const running = this.#retrying.has(key);
    this.#retrying.set(key, held);
    if (running || this.#stopper.signal.aborted) return;
    this.#log.warn({ mac: held.mac, reason: String(why) }, 'binding will be written later');
    void retryForever(this.#log, `binding of ${held.address}`, () => this.#write(this.#retrying.get(key) ?? held), { signal: this.#stopper.signal })
      .catch((error: unknown) => { if (!this.#stopper.signal.aborted) throw error; })
      .finally(() => this.#retrying.delete(key));
  }
}

function bootOf(binding: Binding): Boot {
  const seenAtMs = Date.parse(binding.at);
  return { bootId: binding.bootId, stage: binding.stage, seenAtMs, beganAtMs: seenAtMs };
}

/** What machines put DHCP messages on, thousands on one: answers find their asker by xid. */
import { decode, type DhcpMessage } from '@ironbus/wire';

export type Listener = (answer: DhcpMessage) => void;
export type DhcpWire = {
  /** What is to be in giaddr; undefined where the server is on the machine's own segment. */
  readonly relay: string | undefined;
  /** From this hardware address to whoever serves. */
  send(bytes: Uint8Array, mac: string): void;
  /** Calls for each BOOTREPLY of the xid until the returned function was called. */
  listen(xid: number, listener: Listener): () => void;
  close(): Promise<void>;
};

const headBytes = 240;
const reply = 2;

/** Decodes only what somebody waits for. */
export class Answers {
  readonly #listeners = new Map<number, Listener>();

  listen(xid: number, listener: Listener): () => void {
    this.#listeners.set(xid, listener);
    return () => { if (this.#listeners.get(xid) === listener) this.#listeners.delete(xid); };
  }

  hear(bytes: Buffer): void {
    if (bytes.length < headBytes || bytes[0] !== reply) return;
    const listener = this.#listeners.get(bytes.readUInt32BE(4));
    if (listener === undefined) return;
    const decoded = decode(bytes);
    if (decoded.ok) listener(decoded.message);
  }
}

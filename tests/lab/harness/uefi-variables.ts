/**
 * Gives a UEFI machine its boot order as a person would in the firmware's menu: network first, then the disks.
 *
 * QEMU's bootindex can't do it: OVMF lets one index stand for PXEv4, HTTPv4 and HTTPv6 of a NIC, so that a machine sent
 * to its disk sits through two minutes of HTTP boot first, and it rewrites the order at every boot, so that an order set
 * by the operating system is lost. An option in the variable store is kept; what OVMF finds by itself goes behind it.
 *
 * Formats: UEFI PI 1.7 vol. 3 §3.2.1 (volume header), edk2 AuthenticatedVariableFormat.h, UEFI 2.10 §3.1.3 (load
 * option), §10.3 (device paths). Pure.
 */

/** EFI_GLOBAL_VARIABLE, as stored. */
const globalVariable = Buffer.from('61dfe48bca93d211aa0d00e098032b8c', 'hex');
/** edk2's mark of an option it made itself; with it OVMF takes ours for its own, and makes no second one. */
const autoCreated = Buffer.from('4eac0881119f594d850ee21a522c59b2', 'hex');
const volumeHeaderBytes = 72;
const storeHeaderBytes = 28;
const recordHeaderBytes = 60;
const startId = 0x55aa;
/** States of a record: VAR_ADDED, and what VAR_DELETED clears of it. */
const added = 0x3f;
const deletedMask = 0xfd;
/** Non-volatile, boot service and runtime access. */
const attributes = 7;

/** The PCI slot of a machine's NIC on bus 0: part of its boot option, hence fixed on QEMU's command line too. */
export const nicSlot = 3;

/** OVMF's variables with one boot option, network boot of this MAC, first in BootOrder. Throws on what is not a variable store. */
export function withNetworkFirst(variables: Uint8Array, mac: string, kind: 'pxe' | 'http'): Buffer {
  const store = Buffer.from(variables);
  const at = freeOffset(store);
  for (const old of walk(store)) if (/^Boot([0-9A-F]{4}|Order)$/.test(old.name)) remove(store, old.at);
  const records = Buffer.concat([record('Boot0001', bootOption(mac, kind)), record('BootOrder', u16(1))]);
  if (at + records.length > store.length || !store.subarray(at, at + records.length).every((byte) => byte === 0xff)) throw new Error('the variable store is full');
  records.copy(store, at);
  return store;
}

/** Names of the valid variables in a store, in their order. */
export function variableNames(variables: Uint8Array): string[] {
  const store = Buffer.from(variables);
  return [...walk(store)].filter(({ at }) => store.readUInt8(at + 2) === added).map(({ name }) => name);
}

/** A template may hold the boot options of the machine it was made on; a second record of a name stops OVMF dead. */
function remove(store: Buffer, at: number): void {
  store.writeUInt8(store.readUInt8(at + 2) & deletedMask, at + 2);
}

function freeOffset(store: Buffer): number {
  const volumeIsOurs = store.readUInt16LE(48) === volumeHeaderBytes && store.toString('latin1', 40, 44) === '_FVH';
  if (!volumeIsOurs) throw new Error('not an OVMF variable store');
  let end = volumeHeaderBytes + storeHeaderBytes;
  for (const found of walk(store)) end = found.end;
  return end;
}

function* walk(store: Buffer): Generator<{ name: string; at: number; end: number }> {
  let at = volumeHeaderBytes + storeHeaderBytes;
  while (at + recordHeaderBytes < store.length && store.readUInt16LE(at) === startId) {
    const [nameBytes, dataBytes] = [store.readUInt32LE(at + 36), store.readUInt32LE(at + 40)];
    const nameEnd = at + recordHeaderBytes + nameBytes;
    const end = aligned(nameEnd + dataBytes);
    yield { name: store.toString('utf16le', at + recordHeaderBytes, nameEnd - 2), at, end };
    at = end;
  }
}

/** AUTHENTICATED_VARIABLE_HEADER, name, data; count, time stamp and key index are zero. */
function record(name: string, data: Buffer): Buffer {
  const nameBytes = utf16(name);
  const header = Buffer.alloc(recordHeaderBytes);
  header.writeUInt16LE(startId, 0);
  header.writeUInt8(added, 2);
  header.writeUInt32LE(attributes, 4);
  header.writeUInt32LE(nameBytes.length, 36);
  header.writeUInt32LE(data.length, 40);
  globalVariable.copy(header, 44);
  const whole = Buffer.concat([header, nameBytes, data]);
  return Buffer.concat([whole, Buffer.alloc(aligned(whole.length) - whole.length, 0xff)]);
}

/** EFI_LOAD_OPTION, byte for byte what OVMF would make for this NIC. */
function bootOption(mac: string, kind: 'pxe' | 'http'): Buffer {
  const hex = mac.replaceAll(':', '');
  const path = Buffer.concat([
    Buffer.from('02010c00d041030a00000000', 'hex'), // PciRoot(0x0)
    Buffer.from([1, 1, 6, 0, 0, nicSlot]), // Pci(slot,0x0)
    Buffer.from([3, 11, 37, 0]), Buffer.from(hex, 'hex'), Buffer.alloc(26), Buffer.from([1]), // MAC(…,0x1)
    Buffer.from([3, 12, 27, 0]), Buffer.alloc(23), // IPv4(0.0.0.0)
    ...(kind === 'http' ? [Buffer.from([3, 24, 4, 0])] : []), // Uri()
    Buffer.from([0x7f, 0xff, 4, 0]),
  ]);
  const description = utf16(`UEFI ${kind === 'pxe' ? 'PXE' : 'HTTP'}v4 (MAC:${hex.toUpperCase()})`);
  const isActive = Buffer.from([1, 0, 0, 0]);
  return Buffer.concat([isActive, u16(path.length), description, path, autoCreated]);
}

const aligned = (length: number): number => (length + 3) & ~3;
const utf16 = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');
function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

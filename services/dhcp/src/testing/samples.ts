/** Values that tests start from. */
import type { BootPolicy, Ipv4, Mac, Network } from '@ironbus/contracts';
import { makeMessage, MessageType, parseMac, type DhcpMessage } from '@ironbus/wire';

export const sampleMac = '52:54:00:77:00:01' as Mac;

export const sampleNetwork = (changes: Partial<Record<keyof Network, unknown>> = {}): Network => ({
  id: 'lan1', rack: 'rack1', interface: 'eth0', cidr: '10.77.0.0/24', mode: 'authoritative', serverAddress: '10.77.0.1', baseUrl: 'http://10.77.0.1:5248',
  relayed: false, dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.199' }], reservations: [], gateway: '10.77.0.254', dnsServers: ['10.77.0.1'],
  ntpServers: [], domain: 'lab.example', leaseSeconds: 3_600, mtu: null, unknownMachines: 'enlist', afterEnlist: 'poweroff', ...changes,
} as unknown as Network);

export const samplePolicy = (changes: Partial<Record<keyof BootPolicy, unknown>> = {}): BootPolicy => ({
  node: 'k7x2mp', mac: sampleMac, version: 1, status: 'Ready', hostname: 'node1', answer: 'local', why: 'test', operation: null,
  reservedAddress: null, bootPath: 0, kernelArguments: '', ...changes,
} as unknown as BootPolicy);

type Draft = { mac?: string; type?: number; ciaddr?: string; giaddr?: string; requested?: string; server?: string; options?: Record<number, string>; broadcast?: boolean; xid?: number };

/** A client's message; `options` are hex by code. */
export function sampleMessage({ mac = sampleMac, type = MessageType.discover, requested, server, options = {}, ...header }: Draft = {}): DhcpMessage {
  const message = makeMessage({ chaddr: parseMac(mac) ?? new Uint8Array(6), xid: 0x1234, ...header });
  if (type !== 0) message.options.setU8(53, type);
  if (requested !== undefined) message.options.setAddress(50, requested);
  if (server !== undefined) message.options.setAddress(54, server);
  for (const [code, hex] of Object.entries(options)) message.options.setHex(Number(code), hex);
  return message;
}

export const address = (text: string): Ipv4 => text as Ipv4;

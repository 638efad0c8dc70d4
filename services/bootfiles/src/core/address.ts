/** Addresses of askers and networks. Pure. */
import { parseIpv4, type IpAddress, type Network } from '@ironbus/contracts';

/** A socket's remote address in canonical text: IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) as IPv4, no zone. */
export function canonicalAddress(remote: string): IpAddress {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remote);
  return (mapped?.[1] ?? remote.replace(/%.*$/, '').toLowerCase()) as IpAddress;
}

/** `<rack>.<address>` as a key of `bindings`; undefined for what can not be one (IPv6 has colons: not served yet). */
export const bindingKey = (rack: string, address: IpAddress): string | undefined =>
  parseIpv4(address) === undefined ? undefined : `${rack}.${address}`;

/** True where the address lies in the network's prefix. */
export function inNetwork(network: Pick<Network, 'cidr'>, address: string): boolean {
  const [base = '', bits = '32'] = network.cidr.split('/');
  const [left, right] = [toNumber(base), toNumber(address)];
  if (left === undefined || right === undefined) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(left / size) === Math.floor(right / size);
}

const toNumber = (address: string): number | undefined =>
  parseIpv4(address)?.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/**
 * The options that a network and a host give, as bytes. What a network computes to is kept with it: networks change seldom,
 * packets come by the thousand. A value that can not be written (the api refuses those) is left out, never thrown.
 */
import { readDhcpOption, type DhcpOption, type Network } from '@ironbus/contracts';
import { broadcastOf, encodeRoutes, formatIpv4, isIpv4, maskOf, OptionMap, parseCidr, type Route } from '@ironbus/wire';
import { isDomain } from './names.ts';

export type EncodedOption = { code: number; value: Uint8Array; always: boolean };
export type NetworkOptions = {
  own: readonly EncodedOption[];
  /** Option 121, the default route among them (RFC 3442); undefined where the network has no static routes. */
  routes: Uint8Array | undefined;
  /** A person's. */
  persons: readonly EncodedOption[];
};

/** What the server answers for itself: mask, address, times, protocol, identities, relay (RFC 2131 table 3). */
const serversOwn: ReadonlySet<number> = new Set([1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 61, 81, 82, 97, 118]);

const toAll: ReadonlySet<number> = new Set([1, 3, 6, 15]);

const kept = new WeakMap<Network, NetworkOptions>();
const written = new WeakMap<readonly DhcpOption[], readonly EncodedOption[]>();

/** What a network says for itself; routes are apart, for they have two numbers. */
export function networkOptions(network: Network): NetworkOptions {
  const known = kept.get(network);
  if (known !== undefined) return known;
  const options = network.options === undefined ? [] : encodedOptions(network.options);
  const made: NetworkOptions = { own: ownOptions(network), routes: routesOf(network), persons: options };
  kept.set(network, made);
  return made;
}

/** Mask, router and name servers to all (debian-installer 12 stops for ever without option 6, lab §8); the rest to those who ask. */
function ownOptions(network: Network): EncodedOption[] {
  const { gateway, dnsServers, domain, mtu, ntpServers, searchDomains = [] } = network;
  const prefix = parseCidr(network.cidr);
  const values = new OptionMap();
  if (prefix !== undefined) values.setU32(1, maskOf(prefix.prefix));
  // Those who know option 121 must not look at option 3; it is for the others, who did not ask (RFC 3442).
  if (gateway !== null) values.setAddress(3, gateway);
  values.setAddresses(6, dnsServers);
  if (domain !== null) values.setText(15, domain);
  if (mtu !== null) values.setU16(26, mtu);
  // RFC 3021: a /31 has two addresses, neither of which is a broadcast address.
  if (prefix !== undefined && prefix.prefix <= 30) values.setAddress(28, formatIpv4(broadcastOf(prefix)));
  values.setAddresses(42, ntpServers);
  const search = searchDomains.filter(isDomain);
  if (search.length > 0) values.setDomains(search);
  return [...values].map(([code, value]) => ({ code, value, always: toAll.has(code) }));
}

/** A client that takes option 121 must not look at option 3, so the default route is in it as well (RFC 3442, "DHCP Client Behavior"). */
function routesOf({ staticRoutes = [], gateway }: Network): Uint8Array | undefined {
  const routes: Route[] = staticRoutes
    .filter(({ destination, gateway: router }) => parseCidr(destination) !== undefined && isIpv4(router))
    .map(({ destination, gateway: router }) => ({ destination, router }));
  if (routes.length === 0) return undefined;
  const hasDefault = routes.some(({ destination }) => destination.endsWith('/0'));
  return encodeRoutes(gateway === null || hasDefault ? routes : [{ destination: '0.0.0.0/0', router: gateway }, ...routes]);
}

/** A person's options as bytes, in their order. */
export function encodedOptions(options: readonly DhcpOption[] | undefined): readonly EncodedOption[] {
  if (options === undefined || options.length === 0) return [];
  const known = written.get(options);
  if (known !== undefined) return known;
  const made = options.flatMap((option) => {
    const read = serversOwn.has(option.code) ? undefined : readDhcpOption(option);
    return read?.ok === true ? [{ code: option.code, value: read.bytes, always: option.always === true }] : [];
  });
  written.set(options, made);
  return made;
}

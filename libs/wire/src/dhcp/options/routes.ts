/** Classless static routes, option 121 (RFC 3442) and Windows' 249: prefix width, significant octets, router. */
import { formatIpv4, maskOf, parseCidr, parseIpv4 } from '../../net.ts';

/** `destination` is `10.0.0.0/8`, `router` a dotted quad; 0.0.0.0 as router means on-link (RFC 3442, "Local Subnet Routes"). */
export type Route = { destination: string; router: string };

/** Reads the routes; undefined when a width is over 32 or the last one is cut. Host bits are cleared as RFC 3442 asks. */
export function decodeRoutes(bytes: Uint8Array): Route[] | undefined {
  const routes: Route[] = [];
  let at = 0;
  while (at < bytes.length) {
    const width = bytes[at] ?? 0;
    const octets = Math.ceil(width / 8);
    if (width > 32 || at + 1 + octets + 4 > bytes.length) return undefined;
    const network = (readOctets(bytes, at + 1, octets) & maskOf(width)) >>> 0;
    const router = readOctets(bytes, at + 1 + octets, 4);
    routes.push({ destination: `${formatIpv4(network)}/${width}`, router: formatIpv4(router) });
    at += 5 + octets;
  }
  return routes.length === 0 ? undefined : routes;
}

/** Writes the routes; a malformed destination or router throws RangeError, host bits are cleared. */
export function encodeRoutes(routes: readonly Route[]): Uint8Array {
  const bytes: number[] = [];
  for (const { destination, router } of routes) {
    const network = parseCidr(destination);
    const gateway = parseIpv4(router);
    if (network === undefined || gateway === undefined) throw new RangeError(`route ${destination} via ${router} is malformed`);
    bytes.push(network.prefix);
    for (let i = 0; i < Math.ceil(network.prefix / 8); i++) bytes.push((network.network >>> (24 - 8 * i)) & 255);
    bytes.push(gateway >>> 24, (gateway >>> 16) & 255, (gateway >>> 8) & 255, gateway & 255);
  }
  return Uint8Array.from(bytes);
}

/** Up to four octets as the high end of a 32-bit number. */
function readOctets(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value = (value << 8) | (i < count ? (bytes[at + i] ?? 0) : 0);
  return value >>> 0;
}

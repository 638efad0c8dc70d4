/** Static routes, option 121 (RFC 3442). A client that takes it ignores the routers of option 3, so the server adds the gateway to it. */
import type { Network } from '../network.ts';
import { hasHostBits, hostsText, isHost, prefixText, readPrefix, toNumber, type Prefix } from './address.ts';
import type { Report } from './report.ts';

const optionBytes = 255;

export function checkRoutes(network: Network, prefix: Prefix, report: Report): void {
  const routes = network.staticRoutes ?? [];
  const seen = new Map<string, number>();
  routes.forEach(({ destination, gateway }, index) => {
    const path = `/staticRoutes/${index}`;
    const target = readPrefix(destination);
    if (target === undefined) return report('error', path,
      `${destination} is no IPv4 prefix: write an address and a length from 0 to 32, such as 10.20.0.0/16`);
    if (hasHostBits(destination, target)) report('error', path, `${destination} has host bits set: write ${prefixText(target)}`);
    const other = seen.get(prefixText(target));
    if (other !== undefined) report('error', path, `route ${other + 1} goes to ${prefixText(target)} already: keep one`);
    seen.set(prefixText(target), index);
    if (target.length === 0) report('error', path, '0.0.0.0/0 is the default route: name its router as gateway of the network');
    if (target.first === prefix.first && target.length === prefix.length) report('error', path,
      `${destination} is this network itself: machines reach it without a route`);
    checkGateway(network, { prefix, path, gateway }, report);
  });
  const bytes = routes.reduce((sum, { destination }) => sum + routeBytes(readPrefix(destination)?.length ?? 32), network.gateway === null ? 0 : routeBytes(0));
  if (bytes > optionBytes) report('warning', '/staticRoutes',
    `the routes take ${bytes} bytes: option 121 is split in parts of ${optionBytes} (RFC 3396), which not every client joins; sum routes up`);
}

/** 0.0.0.0 is "on this very wire" (RFC 3442, local subnet routes). */
function checkGateway(network: Network, { prefix, path, gateway }: { prefix: Prefix; path: string; gateway: string }, report: Report): void {
  if (gateway === '0.0.0.0') return;
  if (!isHost(prefix, toNumber(gateway))) report('error', path,
    `the router ${gateway} is no host address of ${network.cidr}: machines could not reach it; `
    + `name one from ${hostsText(prefix).replace(' - ', ' to ')}, or 0.0.0.0 for what is on this wire`);
}

/** The significant octets of the destination, its length, and the router. */
const routeBytes = (length: number): number => 1 + Math.ceil(length / 8) + 4;

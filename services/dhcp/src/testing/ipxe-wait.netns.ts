/**
 * Run by ipxe-wait.ts inside the server's namespace: the dhcp service and a web server for one boot script; prints the
 * milliseconds at which the script was asked for, until it is ended.
 */
import { createServer } from 'node:http';
import { sampleNetwork } from './samples.ts';
import { startRack } from './service-in-namespace.ts';

const rack = await startRack({ DHCP_ROUTER_ADVERTISEMENTS: process.argv[2] ?? 'true' });
await rack.putNetwork(sampleNetwork({ interface: 'ibd-s0' }));
const web = createServer((request, response) => {
  process.stdout.write(`GET ${Date.now()} ${request.url}\n`);
  response.end('#!ipxe\npoweroff || shell\n');
}).listen(5248, '10.77.0.1', () => process.stdout.write('ready\n'));
process.once('SIGTERM', () => { web.close(); void rack[Symbol.asyncDispose]().then(() => process.exit(0)); });

/**
 * The NoCloud seed over the network: `ds=nocloud;s=http://<rack>/seed/` and anything between, as `__dmi.chassis-serial-number__`. What the
 * URL says is a hint that nobody reads: serials and UUIDs are often empty or shared, so the address of the asker alone decides.
 */
import { IronbusError } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { reporting } from '../core/metadata.ts';
import { renderSeed, seedFiles, type SeedFile } from '../core/seed.ts';
import { identify } from './asker.ts';
import type { Context } from './context.ts';
import { grantedSeed, requireGranted } from './granted.ts';
import { newCredentials } from './ledgers.ts';
import { fileServed, refused } from './observe.ts';

export function addSeedRoutes(app: FastifyInstance, context: Context): void {
  app.get<{ Params: { '*': string } }>('/seed/*', (request, reply) => serveSeed(context, request, reply));
}

const isSeedFile = (name: string): name is SeedFile => (seedFiles as readonly string[]).includes(name);

async function serveSeed(context: Context, request: FastifyRequest<{ Params: { '*': string } }>, reply: FastifyReply): Promise<string> {
  const file = request.params['*'].split('/').at(-1) ?? '';
  if (!isSeedFile(file)) throw new IronbusError('FILE_UNKNOWN', `a seed is ${seedFiles.join(', ')}`);
  const asking = identify(context, request);
  const mac = asking.binding?.mac ?? null;
  const about = { asking, mac, path: request.url.split('?')[0] ?? '' };
  const node = mac === null ? undefined : context.views.policyOf(mac)?.node ?? asking.binding?.node ?? undefined;
  if (mac !== null && node === undefined && context.views.heard()) {
    refused(context, about, 'seed-machine-unknown');
    throw new IronbusError('FILE_UNKNOWN', 'nothing is to be installed on this machine');
  }
  const ledger = node === undefined ? undefined : await context.ledgers.read(node);
  const granted = requireGranted(context, node, { ledger, about, authenticated: false });
  // With the MAAS data source the credentials are on the disk; new ones would lock it out.
  const credentials = file === 'vendor-data' && granted.grant.deployment.datasource !== 'maas' ? newCredentials(granted.node) : undefined;
  const from = await grantedSeed(context, granted, { asking, needs: { userData: file === 'user-data', phoneHome: file === 'vendor-data', credentials } });
  reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store');
  const text = renderSeed({ ...from, reporting: credentials && reporting({ baseUrl: asking.baseUrl, node: granted.node, credentials }) })[file];
  fileServed(context, about, { bytes: Buffer.byteLength(text), seconds: 0, complete: true });
  return text;
}

/** Leases: who has which address. A copy of dhcp's facts, a moment behind them. */
import { Ipv4Address, IronbusError, parseMac } from '@ironbus/contracts';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { showLeases } from '../../core/leases.ts';
import type { Context } from '../context.ts';

const Filter = Type.Object({ network: Type.Optional(Type.String({ maxLength: 63 })), mac: Type.Optional(Type.String({ maxLength: 17 })),
  address: Type.Optional(Ipv4Address) }, { additionalProperties: false });

export function leaseRoutes(app: FastifyInstance, context: Context): void {
  app.get<{ Querystring: Static<typeof Filter> }>('/leases',
    { schema: { querystring: Filter, tags: ['networks'], summary: 'All leases, filtered; declined addresses until their quarantine ends' } },
    async ({ query }) => {
    const mac = query.mac === undefined ? undefined : parseMac(query.mac);
    if (query.mac !== undefined && mac === undefined) throw new IronbusError('REQUEST_INVALID',
      `${JSON.stringify(query.mac)} is no MAC: write it as 52:54:00:77:00:01`);
    const nowMs = Date.now();
    const [records, networks, nodes] = await Promise.all([context.leases.list(nowMs), context.records.networks.list(), context.nodes.list()]);
    return showLeases(records, { ...query, mac }, { networks, nodes, nowMs });
  });
}

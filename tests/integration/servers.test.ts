/** Both ways to have NATS and Redis do the same: they answer, and what they acknowledged outlives kill -9. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBus } from '@ironbus/bus';
import { openStore } from '@ironbus/store';
import { canRunContainers } from '@ironbus/testkit';
import { bindingsBucket, buckets, catalog, type Binding } from '@ironbus/contracts';
import { ensureTopology } from '@ironbus/bus';
import { createLogger } from '@ironbus/runtime';
import { startServers, type Kind } from './servers.ts';

const log = createLogger({ svc: 'test', level: 'silent' });
const kinds: Kind[] = await canRunContainers() ? ['containers', 'local'] : ['local'];

const binding = {
  address: '127.77.0.9', mac: '52:54:00:00:00:09', node: null, network: 'sim', bootId: 'b1', how: 'leased', stage: 'os', at: '2026-11-20T10:00:00.000Z',
} as Binding;

for (const kind of kinds) {
  test(`${kind}: JetStream and Redis keep what they acknowledged over kill -9, on the same address`, async () => {
    await using servers = await startServers(kind);
    await using bus = openBus({ servers: servers.nats.url, origin: { service: 'dhcp', rack: 'rack1', instance: 'test' }, log });
    const store = openStore({ url: servers.redis.url, prefix: 'test', log });
    await Promise.all([ensureTopology(bus, { catalog, buckets }), store.whenReady()]);
    await bus.kv(bindingsBucket).put('rack1.127.77.0.9', binding);
    await store.redis.set('test:key', 'kept');

    await Promise.all([servers.nats.kill(), servers.redis.kill()]);
    await assert.rejects(store.redis.get('test:key'), { code: 'STORE_UNREACHABLE' });
    await assert.rejects(bus.kv(bindingsBucket).get('rack1.127.77.0.9'), { code: 'BUS_UNREACHABLE' });

    await Promise.all([servers.nats.restart(), servers.redis.restart()]);
    await Promise.all([bus.whenReady(), store.whenReady()]);
    assert.equal(await store.redis.get('test:key'), 'kept');
    assert.deepEqual((await bus.kv(bindingsBucket).get('rack1.127.77.0.9'))?.value, binding);
    await store.close();
  });
}

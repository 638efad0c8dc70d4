/** The api's own copy of every node, made from lifecycle's facts: the newest version wins, whatever the order they come in. */
import {
  deployDataBucket, nodeDiscovered, nodeInventoryReported, nodeRemoved, nodeSnapshotted, nodeTransitioned, nodeUpdated,
  type Inventory, type Node,
} from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import type { Store } from '@ironbus/store';
import type { AnyEvent } from './context.ts';

/** KEYS: node, set of ids. ARGV: version, JSON ('' removes), id. Nothing where what is there is as new. */
const putNodeScript = `
local old = redis.call('HGET', KEYS[1], 'version')
if old and tonumber(old) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'node', ARGV[2])
if ARGV[2] == '' then redis.call('SREM', KEYS[2], ARGV[3]) else redis.call('SADD', KEYS[2], ARGV[3]) end
return 1`;

/** KEYS: inventory. ARGV: time (RFC 3339 in UTC, so text order is time order), JSON. */
const putInventoryScript = `
local old = redis.call('HGET', KEYS[1], 'time')
if old and old >= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'time', ARGV[1], 'inventory', ARGV[2])
return 1`;

export type NodeView = ReturnType<typeof createNodeView>;

export function createNodeView(store: Store, bus: Bus) {
  const putNode = store.defineScript({ name: 'api-put-node', numberOfKeys: 2, lua: putNodeScript });
  const putInventory = store.defineScript({ name: 'api-put-inventory', numberOfKeys: 1, lua: putInventoryScript });
  const nodeKey = (id: string): string => store.key('node', id);
  const inventoryKey = (mac: string): string => store.key('inventory', mac);
  const idsKey = store.key('nodes');

  /** User-data of a deployment that is over is deleted before the fact counts as applied: a redelivery after a failure tries again. */
  async function keep(id: string, version: number, node: Node | null): Promise<void> {
    const [known, text] = await store.redis.hmget(nodeKey(id), 'version', 'node');
    if (typeof known === 'string' && Number(known) >= version) return;
    const spent = typeof text === 'string' && text !== '' ? (JSON.parse(text) as Node).deployment?.deployData : undefined;
    if (typeof spent === 'string' && node?.deployment?.deployData !== spent) await bus.kv(deployDataBucket).delete(spent);
    await putNode([nodeKey(id), idsKey], [version, node === null ? '' : JSON.stringify(node), id]);
  }

  return {
    /** Applies one fact. Idempotent. */
    async apply(event: AnyEvent): Promise<void> {
      switch (event.type) {
        case nodeDiscovered.type: case nodeTransitioned.type: case nodeUpdated.type: case nodeSnapshotted.type: {
          const { node } = event.data as { node: Node };
          return keep(node.id, node.version, node);
        }
        case nodeRemoved.type: {
          const { id, version, macs } = event.data as { id: string; version: number; macs: string[] };
          await keep(id, version, null);
          if (macs.length > 0) await store.redis.del(...macs.map(inventoryKey));
          return;
        }
        case nodeInventoryReported.type: {
          const { mac, inventory } = event.data as { mac: string; inventory: Inventory };
          await putInventory([inventoryKey(mac)], [event.time, JSON.stringify(inventory)]);
          return;
        }
      }
    },

    async get(id: string): Promise<Node | undefined> {
      const text = await store.redis.hget(nodeKey(id), 'node');
      return text === null || text === '' ? undefined : JSON.parse(text) as Node;
    },

    /** Everything the machine reported of itself, or undefined where it has not yet. */
    async inventory(node: Node): Promise<Inventory | undefined> {
      const texts = await Promise.all(node.macs.map((mac) => store.redis.hget(inventoryKey(mac), 'inventory')));
      const text = texts.find((candidate) => candidate !== null);
      return text === undefined || text === null ? undefined : JSON.parse(text) as Inventory;
    },

    /** All nodes, by hostname. */
    async list(): Promise<Node[]> {
      const ids = await store.redis.smembers(idsKey);
      const nodes = await Promise.all(ids.map((id) => this.get(id)));
      return nodes.filter((node) => node !== undefined).sort((a, b) => a.hostname.localeCompare(b.hostname));
    },
  };
}

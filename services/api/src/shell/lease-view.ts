/** The api's own copy of every lease, made from dhcp's facts: the newest sequence of a rack, network and MAC wins, whatever the order they come in. */
import type { Envelope } from '@ironbus/contracts';
import type { Store } from '@ironbus/store';
import { changeOf, isOver, type LeaseRecord } from '../core/leases.ts';

/**
 * KEYS: hash of leases, `sequence|memory until` of this one. ARGV: field, sequence, time of the fact, memory until (ms), JSON
 * ('' ends it), field of the address's quarantine, JSON ('' ends it). Nothing where what is there is as new.
 */
const putLeaseScript = `
local old = redis.call('GET', KEYS[2])
if old then
  local sequence, memory = string.match(old, '^(%d+)|(%d+)$')
  if tonumber(sequence) >= tonumber(ARGV[2]) and tonumber(ARGV[3]) <= tonumber(memory) then return 0 end
end
redis.call('SET', KEYS[2], ARGV[2] .. '|' .. ARGV[4], 'PXAT', ARGV[4])
if ARGV[5] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[5]) end
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], ARGV[6], ARGV[7])
elseif ARGV[5] ~= '' then redis.call('HDEL', KEYS[1], ARGV[6]) end
return 1`;

/** KEYS: hash of leases. ARGV: field, the value that is over. A newer one stays. */
const dropLeaseScript = `if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end return 0`;

export type LeaseView = ReturnType<typeof createLeaseView>;

export function createLeaseView(store: Store) {
  const put = store.defineScript({ name: 'api-put-lease', numberOfKeys: 2, lua: putLeaseScript });
  const drop = store.defineScript({ name: 'api-drop-lease', numberOfKeys: 1, lua: dropLeaseScript });
  const leases = store.key('leases');
  const json = (record: LeaseRecord | null): string => (record === null ? '' : JSON.stringify(record));

  return {
    /** Applies one fact. Idempotent. */
    async apply(event: Envelope): Promise<void> {
      const change = changeOf(event);
      if (change === undefined) return;
      const { key, sequence, atMs, memoryUntilMs, lease, quarantineKey, quarantine } = change;
      await put([leases, store.key('lease-sequence', key)], [key, sequence, atMs, memoryUntilMs, json(lease), quarantineKey, json(quarantine)]);
    },

    /** All of them; what is over is forgotten on the way. */
    async list(nowMs: number): Promise<LeaseRecord[]> {
      const entries = Object.entries(await store.redis.hgetall(leases)).map(([field, text]) => ({ field, text, record: JSON.parse(text) as LeaseRecord }));
      const over = new Set(entries.filter(({ record }) => isOver(record, nowMs)));
      await Promise.all([...over].map(({ field, text }) => drop([leases], [field, text])));
      return entries.filter((entry) => !over.has(entry)).map(({ record }) => record);
    },
  };
}

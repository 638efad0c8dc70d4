/** Everything that Ironbus wrote anywhere, as text, and which secrets are in it. */
import { bindingsBucket, bmcBucket, bootPoliciesBucket, deployDataBucket, imagesBucket, networksBucket, racksBucket } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { openStore } from '@ironbus/store';
import type { Rig } from './rig.ts';

export type Places = Record<'facts' | 'observations' | 'buckets' | 'redis' | 'logs' | 'argv', string>;

export async function readPlaces(rig: Rig): Promise<Places> {
  const [facts, observations, buckets, redis] = await Promise.all([rig.facts.replay(), rig.facts.replay('OBSERVATIONS'), readBuckets(rig), dumpRedis(rig)]);
  return {
    facts: JSON.stringify(facts), observations: JSON.stringify(observations), buckets, redis, logs: rig.logs.join(''),
    argv: rig.machines.flatMap((machine) => machine.bmc.commandLines()).join('\n'),
  };
}

/** `<place>: <name of the secret>` for each one found, as it is or in base64. */
export function findLeaks(places: Places, secrets: Record<string, string>): string[] {
  return Object.entries(places).flatMap(([place, text]) => Object.entries(secrets)
    .filter(([, secret]) => [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')].some((form) => text.includes(form)))
    .map(([name]) => `${place}: ${name}`));
}

async function readBuckets({ facts }: Rig): Promise<string> {
  const all = [bindingsBucket, bmcBucket, bootPoliciesBucket, deployDataBucket, imagesBucket, networksBucket, racksBucket];
  const values = await Promise.all(all.map(async (bucket) => {
    await using view = facts.bus.watch(bucket);
    await view.whenSynced();
    return [...view.entries()];
  }));
  return JSON.stringify(values);
}

const dumpLua = `
local out = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  local read = { string = {'GET', key}, hash = {'HGETALL', key}, set = {'SMEMBERS', key}, zset = {'ZRANGE', key, 0, -1, 'WITHSCORES'}, stream = {'XRANGE', key, '-', '+'}, list = {'LRANGE', key, 0, -1} }
  out[#out + 1] = key .. ' ' .. cjson.encode(redis.call(unpack(read[kind])))
end
return table.concat(out, '\\n')`;

/** Every key with everything in it. */
async function dumpRedis({ servers }: Rig): Promise<string> {
  const store = openStore({ url: servers.redis.url, prefix: 'dump', log: createLogger({ svc: 'dump', level: 'silent' }) });
  await store.whenReady();
  const text = String(await store.script('dump', { keys: 0, lua: dumpLua })([], []));
  await store.close();
  return text;
}

/**
 * BMC parameters and user-data. At rest under the region's master key (AES-256-GCM, the record's name as additional data);
 * on the bus only sealed to the rack that uses them. The master key never leaves this process.
 */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bmcBucket, deployDataBucket, IronbusError, type BmcParameters, type DeployData, type NodeId, type Rack } from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import { seal } from '@ironbus/runtime';
import type { Store } from '@ironbus/store';

export type Secrets = Awaited<ReturnType<typeof openSecrets>>;

export async function openSecrets(store: Store, bus: Bus, masterKeyFile: string) {
  const master = await masterKey(masterKeyFile);
  const bmcKey = (node: string): string => store.key('bmc', node);

  async function publishBmc(node: NodeId, rack: Rack, parameters: BmcParameters): Promise<void> {
    await bus.kv(bmcBucket).put(node, { node, sealed: seal(rack.publicKey, rack.id, `bmc/${node}`, parameters) });
  }

  return {
    /** Keeps a machine's BMC parameters and gives them to its rack. */
    async setBmc(node: NodeId, rack: Rack, parameters: BmcParameters): Promise<void> {
      await store.redis.set(bmcKey(node), encrypt(master, `bmc/${node}`, JSON.stringify({ rack: rack.id, parameters })));
      await store.redis.sadd(store.key('bmc-ids'), node);
      await publishBmc(node, rack, parameters);
    },

    async removeBmc(node: NodeId): Promise<void> {
      await store.redis.del(bmcKey(node));
      await store.redis.srem(store.key('bmc-ids'), node);
      await bus.kv(bmcBucket).delete(node);
    },

    /** Seals everything of a rack again: it joined with a new key. */
    async resealFor(rack: Rack): Promise<void> {
      for (const node of await store.redis.smembers(store.key('bmc-ids'))) {
        const stored = await store.redis.get(bmcKey(node));
        if (stored === null) continue;
        const kept = JSON.parse(decrypt(master, `bmc/${node}`, stored)) as { rack: string; parameters: BmcParameters };
        if (kept.rack === rack.id) await publishBmc(node as NodeId, rack, kept.parameters);
      }
    },

    /** Gives the racks what the bucket lacks: NATS may have lost its data. Gives how many those were. */
    async republishBmc(rackOf: (id: string) => Promise<Rack | undefined>): Promise<number> {
      let repaired = 0;
      for (const node of await store.redis.smembers(store.key('bmc-ids'))) {
        const stored = await store.redis.get(bmcKey(node));
        if (stored === null || await bus.kv(bmcBucket).get(node) !== undefined) continue;
        const kept = JSON.parse(decrypt(master, `bmc/${node}`, stored)) as { rack: string; parameters: BmcParameters };
        const rack = await rackOf(kept.rack);
        if (rack === undefined) continue;
        await publishBmc(node as NodeId, rack, kept.parameters);
        if (await store.redis.exists(bmcKey(node)) === 0) await bus.kv(bmcBucket).delete(node); // removed meanwhile
        repaired += 1;
      }
      return repaired;
    },

    /** Seals one deployment's user-data to the boot rack; gives the key that the request names. */
    async giveDeployData(node: NodeId, requestId: string, rack: Rack, data: DeployData): Promise<string> {
      const key = `${node}.${requestId}`;
      await bus.kv(deployDataBucket).put(key, { node, sealed: seal(rack.publicKey, rack.id, `deploy-data/${key}`, data) });
      return key;
    },

    removeDeployData: (key: string): Promise<void> => bus.kv(deployDataBucket).delete(key),
  };
}

/** Made at the first start; a link is there whole or not at all, and never replaces one that is there. */
async function masterKey(file: string): Promise<Buffer> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true });
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  const key = Buffer.from(await readFile(file, 'utf8'), 'base64');
  if (key.length !== 32) throw new IronbusError('CONFIG_INVALID', `${file} is not a master key (32 bytes in base64): restore it from a backup; without it stored BMC passwords can not be read`);
  return key;
}

function encrypt(key: Buffer, aad: string, text: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(aad));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
}

function decrypt(key: Buffer, aad: string, stored: string): string {
  const bytes = Buffer.from(stored, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}

/** User-data: opened with the rack's key at the moment a claim hands it out. */
import { readFile } from 'node:fs/promises';
import { DeployData, IronbusError, lazyCheck, type Deployment, type BootPolicy } from '@ironbus/contracts';
import { open } from '@ironbus/runtime';
import type { Context } from './context.ts';

const check = lazyCheck(DeployData);

/** Nulls where the deployment has none. Throws NOT_READY while the bucket lacks it, POWER_SEAL_UNREADABLE where the key does not fit. */
export async function readDeployData({ config, views }: Context, policy: Pick<BootPolicy, 'operation'>, deployment: Deployment): Promise<DeployData> {
  const key = deployment.deployData ?? policy.operation?.deployData ?? null;
  if (key === null) return { userData: null };
  const stored = views.deployData.get(key);
  if (stored === undefined) throw new IronbusError('NOT_READY', 'the user-data of this deployment has not arrived at the rack yet');
  const opened = open(await readKey(config.rackKeyFile), `deploy-data/${key}`, stored.sealed);
  if (check(opened).length > 0) throw new IronbusError('POWER_SEAL_UNREADABLE', 'the user-data of this deployment is not what was promised');
  return opened as DeployData;
}

export const readUserData = async (context: Context, policy: BootPolicy, deployment: Deployment): Promise<string | null> =>
  (await readDeployData(context, policy, deployment)).userData;

async function readKey(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new IronbusError('POWER_SEAL_UNREADABLE', 'the rack has no key to open user-data with: join it with "ironbus rack join"', { cause, detail: path });
  }
}

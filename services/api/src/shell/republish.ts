/** Keeps the region's buckets as its records are, whatever NATS lost: compared at the start, and whenever something vanished from one. */
import { imagesBucket, layersBucket, networksBucket, profilesBucket, racksBucket } from '@ironbus/contracts';
import { retryForever } from '@ironbus/runtime';
import type { Context } from './context.ts';

type Republisher = { stop(): Promise<void> };
type Needs = Pick<Context, 'bus' | 'records' | 'secrets' | 'log'>;

/** Returns at once; works in the background, for ever. A removal by a person finds its record gone already, and puts nothing. */
export function startRepublishing(needs: Needs): Republisher {
  const stopping = new AbortController();
  let wanted = false;
  let working: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    while (wanted && !stopping.signal.aborted) {
      wanted = false;
      await retryForever(needs.log, 'comparing records with their buckets', () => republish(needs), { signal: stopping.signal });
    }
    working = undefined;
  };
  const kick = (): void => {
    wanted = true;
    working ??= work().catch((error: unknown) => { if (!stopping.signal.aborted) throw error; });
  };
  const onChange = (_key: string, value: unknown): void => { if (value === undefined) kick(); };
  const views = [networksBucket, imagesBucket, profilesBucket, layersBucket, racksBucket].map((bucket) => needs.bus.watch(bucket, { onChange }));
  kick();
  return {
    async stop() {
      stopping.abort(new Error('the api stops'));
      await Promise.all(views.map((view) => view.stop()));
      await working;
    },
  };
}

async function republish({ bus, records, secrets, log }: Needs): Promise<void> {
  const repaired = {
    networks: await records.networks.republish(bus), images: await records.images.republish(bus), racks: await records.racks.republish(bus),
    profiles: await records.profiles.republish(bus), layers: await records.layers.republish(bus),
    bmc: await secrets.republishBmc(async (id) => (await records.racks.read(id))?.value),
  };
  if (Object.values(repaired).some((count) => count > 0)) log.warn({ repaired }, 'buckets lacked records, published again');
}

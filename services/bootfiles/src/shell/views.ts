/** What the region and dhcp say, in memory: answers never wait for the bus. */
import type { Bus } from '@ironbus/bus';
import {
  bindingsBucket, bootPoliciesBucket, deployDataBucket, imagesBucket, layersBucket, macToken, profilesBucket, networksBucket, racksBucket, type BootPolicy, type Mac,
} from '@ironbus/contracts';

export type Views = ReturnType<typeof openViews>;
type Bucket = 'networks' | 'policies' | 'images' | 'bindings' | 'deployData' | 'profiles' | 'layers' | 'racks';
/** The part that answers are made of. */
export type ReadViews = { [Name in Bucket]: Pick<Views[Name], 'get' | 'entries'> } & Pick<Views, 'policyOf' | 'heard' | 'away'>;

/** Starts the watches; `onImages` is called when images or what needs them may have changed. */
export function openViews(bus: Bus, onImages: () => void) {
  const views = {
    networks: bus.watch(networksBucket),
    policies: bus.watch(bootPoliciesBucket, { onChange: onImages }),
    images: bus.watch(imagesBucket, { onChange: onImages }),
    bindings: bus.watch(bindingsBucket),
    deployData: bus.watch(deployDataBucket),
    profiles: bus.watch(profilesBucket),
    layers: bus.watch(layersBucket),
    racks: bus.watch(racksBucket),
  };
  const all = Object.values(views);
  return {
    ...views,
    /** Every bucket was read in full since start, which needs one connection. */
    heard: (): boolean => all.every((view) => view.synced()),
    /** The bus does not answer now. */
    away: (): boolean => !bus.ready().ready,
    policyOf: (mac: Mac): BootPolicy | undefined => views.policies.get(macToken(mac)),
    whenHeard: async (): Promise<void> => { await Promise.all(all.map((view) => view.whenSynced())); },
    stop: async (): Promise<void> => { await Promise.all(all.map((view) => view.stop())); },
  };
}

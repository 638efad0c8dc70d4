/** A store watch whose events and log lines are kept, events as they would go out. */
import { makeEvent, type Origin } from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import { StoreWatch, type StoreWatchOptions } from '../shell/store-watch.ts';

export function recordingWatch(options: Pick<StoreWatchOptions, 'ready' | 'nowMs'>, instance = 'Rack.One') {
  const told: { type: string; subject: string; data: Record<string, unknown> }[] = [];
  const said: { level: string; message: string; fields: object }[] = [];
  const at = (level: string) => (fields: object, message: string): void => { said.push({ level, message, fields }); };
  const origin: Origin = { service: 'dhcp', rack: 'rack1', instance };
  const observe: Bus['observe'] = (definition, draft) => {
    const { type, subject, data } = makeEvent(definition, origin, draft);
    told.push({ type, subject, data: data as Record<string, unknown> });
  };
  const watch = new StoreWatch({ bus: { origin, observe }, log: { info: at('info'), error: at('error') }, knownLeases: () => 7, ...options });
  return { watch, told, said };
}

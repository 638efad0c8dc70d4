/** What the shell works with. */
import type { Bus } from '@ironbus/bus';
import type { Clock, Logger } from '@ironbus/runtime';
import type { Store } from '@ironbus/store';
import type { Settings } from '../core/record.ts';

export type Hands = { bus: Bus; store: Store; log: Logger; clock: Clock; settings: Settings };

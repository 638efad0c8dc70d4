/** What every handler stands on. */
import type { Bus } from '@ironbus/bus';
import type { Logger } from '@ironbus/runtime';
import type { Assets } from '../core/assets.ts';
import type { BootfilesConfig } from '../config.ts';
import type { ImageCache } from './image-cache.ts';
import type { Ledgers } from './ledgers.ts';
import type { Trees } from './trees.ts';
import type { Views } from './views.ts';

export type Context = {
  config: BootfilesConfig;
  log: Logger;
  bus: Bus;
  views: Views;
  ledgers: Ledgers;
  assets: Assets;
  images: ImageCache;
  trees: Trees;
};

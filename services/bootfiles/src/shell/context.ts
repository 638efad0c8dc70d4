/** What every handler stands on. */
import type { Bus } from '@ironbus/bus';
import type { Logger } from '@ironbus/runtime';
import type { Assets } from '../core/assets.ts';
import type { BootfilesConfig } from '../config.ts';
import type { Again } from './again.ts';
import type { ImageCache } from './image-cache.ts';
import type { Ledgers } from './ledgers.ts';
import type { Trees } from './trees.ts';
import type { ReadViews } from './views.ts';

export type Context = {
  config: BootfilesConfig;
  log: Logger;
  bus: Bus;
  views: ReadViews;
  ledgers: Ledgers;
  assets: Assets;
  images: ImageCache;
  trees: Trees;
  again: Again;
};

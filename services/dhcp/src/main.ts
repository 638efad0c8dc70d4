import { runMain } from '@ironbus/runtime';
import { configSpec } from './config.ts';
import { create } from './service.ts';

await runMain(configSpec, create);

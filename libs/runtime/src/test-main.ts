/** A service for the tests of `runMain`: what it does is its only setting. */
import { defineConfig, createPart, composeParts, OneOf, runMain } from './index.ts';

const spec = defineConfig({
  prefix: 'DEMO_', shared: ['redisUrl', 'logLevel'],
  fields: { behaviour: { env: 'BEHAVIOUR', schema: OneOf(['run', 'fail', 'hang', 'reject', 'wait']), default: 'run', doc: 'What it does.' } },
});
let timer: NodeJS.Timeout | undefined;
let endWait = (): void => {};
await runMain(spec, (config, { log }) => composeParts(log, [createPart({
  name: 'demo',
  start: () => {
    if (config.behaviour === 'fail') throw new Error('no disk');
    if (config.behaviour === 'reject') setTimeout(() => { void Promise.reject(new Error('a defect')); }, 1);
    timer = setInterval(() => {}, 1_000);
    if (config.behaviour === 'wait') return new Promise<void>((_resolve, reject) => { endWait = () => reject(new Error('stopped')); log.info('waiting'); });
  },
  stop: () => {
    if (config.behaviour === 'hang') return new Promise<void>(() => {});
    clearInterval(timer);
    endWait();
  },
})], { stopMs: 100 }));

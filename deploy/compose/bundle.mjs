/**
 * Each service as one file beside its main.ts: without types to strip and with what it does not use left out, it needs 7 to 13 MB
 * less memory than its hundreds of modules do (docs/adr/0008-memory.md). Names stay as they are, for stack traces.
 * `node deploy/compose/bundle.mjs OUT`, from the root of the project.
 */
import { build } from 'esbuild';

const services = ['api', 'lifecycle', 'dhcp', 'tftp', 'bootfiles', 'power'];
/** What a service runs in a thread of its own. */
const threads = ['services/tftp/src/shell/engine-thread.ts'];
const [out] = process.argv.slice(2);
if (out === undefined) throw new Error('name the folder that the bundles go to: node deploy/compose/bundle.mjs OUT');

await build({
  entryPoints: [...services.map((service) => `services/${service}/src/main.ts`), ...threads],
  outbase: '.', outdir: out, outExtension: { '.js': '.mjs' },
  bundle: true, platform: 'node', format: 'esm', target: 'node24', minifyWhitespace: true, minifySyntax: true, legalComments: 'none', logLevel: 'warning',
  // koffi brings a binary of its own, and is optional.
  external: ['koffi'],
  // CommonJS packages among them ask for Node's own modules by `require`.
  banner: { js: "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);" },
});

/** Lists the DHCP servers on a wire: `node services/dhcp/src/probe-cli.ts --interface eth0 [--seconds 4]`. Needs root or CAP_NET_RAW. */
import { parseArgs } from 'node:util';
import { serverTable } from './core/server-table.ts';
import { probeServers, standardListenMs } from './shell/server-probe.ts';

const usage = 'usage: probe-cli.ts --interface <device> [--seconds <1 to 60>]\n';

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { interface: { type: 'string', short: 'i' }, seconds: { type: 'string', short: 's' } } });
  const listenMs = values.seconds === undefined ? standardListenMs : Number(values.seconds) * 1_000;
  if (values.interface === undefined || !(listenMs >= 1_000 && listenMs <= 60_000)) return fail(usage, 2);
  const outcome = await probeServers({ device: values.interface, own: () => new Set(), listenMs }, new AbortController().signal);
  if (!outcome.ok) return fail(`${outcome.why}\n`, 1);
  process.stdout.write(serverTable(outcome.servers));
  return 0;
}

function fail(text: string, code: number): number {
  process.stderr.write(text);
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  // What is wrong with the arguments is parseArgs' to say.
  if (!(error instanceof TypeError)) throw error;
  process.exitCode = fail(`${error.message}\n${usage}`, 2);
}

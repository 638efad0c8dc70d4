/** The whole of Ironbus in one process: NATS and Redis as children, every service beside the others. */
import * as api from '@ironbus/api';
import { composeParts, createPart, readConfig, runMain, type Environment, type Logger, type Part, type Service } from '@ironbus/runtime';
import { configSpec, ownEnvironment, type AllConfig } from './config.ts';
import { environment, rackDirOf } from './environment.ts';
import { ownServers } from './own-servers.ts';
import { joinRegion, joinTokenIn } from './rack.ts';
import { checkServices, prepareRack, prepareRegion, type Prepared } from './services.ts';

const limits = { startMs: 600_000, stopMs: 9_000 };
const given = ownEnvironment(process.env);

await runMain(configSpec, (config, { log }) => create(config, log), {
  env: given,
  check: (config, reported) => config === undefined ? checkServices(given, undefined, reported) : checkServices(environment(config, given), rackDirOf(config), reported),
});

function create(config: AllConfig, log: Logger): Service {
  const servers = ownServers(config, given, log);
  const dir = rackDirOf(config);
  const env = environment(config, { ...(given['API_JOIN_TOKEN_FILE'] === undefined && { API_JOIN_TOKEN: joinTokenIn(dir) }), ...given, ...servers.env });
  return composeParts(log, [
    ...servers.parts,
    ...partsOf(prepareRegion(env)),
    createPart({ name: 'rack join', start: () => joinRegion({ region: env['BOOTFILES_REGION_URL'] ?? '', token: tokenOf(env), rack: config.rackId, dir }, log) }),
    later('rack', log, () => partsOf(prepareRack(env))),
    createPart({ name: 'banner', start: () => log.info({ api: `http://${env['API_HOST'] ?? '0.0.0.0'}:${env['API_PORT'] ?? 5240}`, watch: `nats sub -s nats://watch:watch@127.0.0.1:${config.natsPort} '>'` }, 'ironbus is up') }),
  ], limits);
}

/** As the api reads it, so that a token given as a file is the same to both. */
function tokenOf(env: Environment): string {
  const read = readConfig(api.configSpec, env);
  return read.ok ? read.config.joinToken ?? '' : '';
}

/** Parts that can only be read from the environment once those before them have started: the rack's keys come with the join. */
function later(name: string, log: Logger, parts: () => Part[]): Part {
  let service: Service | undefined;
  return createPart({
    name,
    start: () => { service = composeParts(log, parts(), limits); return service.start(); },
    stop: async () => { await service?.stop(); },
  });
}

function partsOf(prepared: Prepared): Part[] {
  if ('parts' in prepared) return prepared.parts;
  process.stderr.write(prepared.violations);
  process.exit(78);
}

/** The services in the order they start, each with the settings that a one-host installation gives it. */
import * as api from '@ironbus/api';
import * as bootfiles from '@ironbus/bootfiles';
import * as dhcp from '@ironbus/dhcp';
import * as lifecycle from '@ironbus/lifecycle';
import * as power from '@ironbus/power';
import * as tftp from '@ironbus/tftp';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { createLogger, formatViolations, readConfig, type ConfigSpec, type ConfigViolation, type Environment, type Logger, type LogLevel, type Part, type Service } from '@ironbus/runtime';

type Module<C> = { configSpec: ConfigSpec<C>; create(config: C, kit: { log: Logger }): Service };

export type Prepared = { parts: Part[] } | { violations: string };

const region = { api };
const rack = { lifecycle, dhcp, tftp, bootfiles, power };

/** The api comes first: the rack has to join before its services can start. */
export const prepareRegion = (env: Environment): Prepared => prepare(region as unknown as Record<string, Module<unknown>>, env);
export const prepareRack = (env: Environment): Prepared => prepare(rack as unknown as Record<string, Module<unknown>>, env);

/**
 * Everything that is wrong with the services' settings, as text; '' where nothing is. Each variable is named once, also
 * where several services share it; `reported` are those named already. Files in `rackDir` may be missing: they come with the join.
 */
export function checkServices(env: Environment, rackDir: string | undefined, reported: readonly ConfigViolation[]): string {
  const named = new Set(reported.map((violation) => violation.env));
  let text = '';
  for (const module of Object.values({ ...region, ...rack }) as unknown as Module<unknown>[]) {
    const read = readConfig(module.configSpec, env, (path) => readEarly(path, rackDir));
    const fresh = read.ok ? [] : read.violations.filter((violation) => !named.has(violation.env));
    for (const violation of fresh) named.add(violation.env);
    if (fresh.length > 0) text += formatViolations(module.configSpec, fresh);
  }
  return text;
}

function readEarly(path: string, rackDir: string | undefined): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const isBelow = rackDir !== undefined && !/^(\.\.|\/)/.test(relative(rackDir, path));
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && isBelow) return 'comes-with-the-join';
    throw error;
  }
}

function prepare(modules: Record<string, Module<unknown>>, env: Environment): Prepared {
  const parts: Part[] = [];
  let violations = '';
  for (const [name, module] of Object.entries(modules)) {
    const read = readConfig(module.configSpec, env);
    if (!read.ok) violations += formatViolations(module.configSpec, read.violations);
    else parts.push(lazy(name, () => module.create(read.config, { log: createLogger({ svc: name, level: logLevel(env), rack: env['RACK_ID'] }) })));
  }
  return violations === '' ? { parts } : { violations };
}

const logLevel = (env: Environment): LogLevel => (env['LOG_LEVEL'] || 'info') as LogLevel;

/** Made when it starts: making a service already opens its connections. */
function lazy(name: string, make: () => Service): Part {
  let service: Service | undefined;
  return {
    name,
    start: () => { service = make(); return service.start(); },
    stop: async () => { await service?.stop(); },
  };
}

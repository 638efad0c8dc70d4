/** A service as a process: configuration, start, signals, and an end that takes at most ten seconds. */
import { readConfig, redactConfig, type ConfigSpec, type ConfigViolation, type Environment } from './config.ts';
import { formatViolations } from './config-doc.ts';
import { createLogger, type Logger, type LogLevel } from './logger.ts';
import { within, type Service } from './service.ts';

const stopLimitMs = 10_000;
const sameSignalMs = 1_500;
/** sysexits.h: EX_CONFIG. */
export const exitConfig = 78;

export type MainOptions<C> = {
  /** `process.env` by default. */
  env?: Environment;
  /** More that must be right before anything starts, as text; `config` is undefined where the settings are not valid, `reported` is what is wrong with them. */
  check?: (config: C | undefined, reported: readonly ConfigViolation[]) => string;
};

/**
 * The whole of a `main.ts`: reads `process.env` (violations go to stderr, exit 78), logs the redacted configuration
 * once, starts, and stops on SIGTERM or SIGINT (exit 0, or 1 after ten seconds; a second signal exits at once).
 * A start that such a signal ends is no failure. A start that fails, an unhandled rejection or exception exits 1: the supervisor starts it again.
 */
export async function runMain<C>(spec: ConfigSpec<C>, create: (config: C, kit: { log: Logger }) => Service | Promise<Service>, options: MainOptions<C> = {}): Promise<void> {
  const read = readConfig(spec, options.env ?? process.env);
  const violations = read.ok ? [] : read.violations;
  const more = options.check?.(read.ok ? read.config : undefined, violations) ?? '';
  if (!read.ok || more !== '') {
    process.stderr.write((read.ok ? '' : formatViolations(spec, violations)) + more);
    process.exit(exitConfig);
  }
  const log = createMainLogger(spec, read.config);
  crashOnBugs(log);
  log.info({ config: redactConfig(spec, read.config) }, 'starting');
  let isStopping = (): boolean => false;
  try {
    const service = await create(read.config, { log });
    isStopping = stopOnSignals(log, service);
    await service.start();
    if (!isStopping()) log.info('started');
  } catch (error) {
    if (isStopping()) return log.debug({ err: error }, 'start ended by a signal');
    log.fatal({ err: error }, 'could not start');
    process.exit(1);
  }
}

function createMainLogger<C>(spec: ConfigSpec<C>, config: C): Logger {
  const { logLevel, rackId } = config as { logLevel?: LogLevel; rackId?: string };
  return createLogger({ svc: spec.service, level: logLevel ?? 'info', rack: rackId });
}

function crashOnBugs(log: Logger): void {
  const crash = (kind: string) => (error: unknown) => {
    log.fatal({ err: error, kind }, 'crashed on a defect');
    process.exit(1);
  };
  process.on('uncaughtException', crash('uncaughtException'));
  process.on('unhandledRejection', crash('unhandledRejection'));
}

/** Tells whether a signal has come. */
function stopOnSignals(log: Logger, service: Service): () => boolean {
  let stoppingSince: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince < sameSignalMs) return; // npm and a terminal's group deliver one Ctrl-C twice
      log.warn({ signal }, 'second signal, leaving at once');
      process.exit(1);
    }
    stoppingSince = performance.now();
    log.info({ signal }, 'stopping');
    stopWithin(log, service).then((code) => process.exit(code), (error: unknown) => {
      log.fatal({ err: error }, 'could not stop');
      process.exit(1);
    });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return () => stoppingSince !== undefined;
}

async function stopWithin(log: Logger, service: Service): Promise<number> {
  const outcome = await within(service.stop(), stopLimitMs);
  if (outcome === 'late') {
    log.error({ limitMs: stopLimitMs, waitingFor: process.getActiveResourcesInfo() }, 'service hangs while stopping, leaving without it');
    return 1;
  }
  log.info('stopped');
  return 0;
}

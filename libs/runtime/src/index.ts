/** What every service stands on: settings, logs, health, time, and starting and stopping in order. */
export { orAborted, systemClock, wait, type Cancel, type Clock } from './clock.ts';
export { defineConfig, readConfig, redactConfig, type ConfigOf, type ConfigSpec, type ConfigViolation, type Environment, type Field, type Fields } from './config.ts';
export { describeConfig, formatViolations } from './config-doc.ts';
export { DurationInMs, DurationInSeconds, OneOf, PortNumber } from './config-text.ts';
export { commonFields } from './common-config.ts';
export { createHealth, type Health, type Readiness, type Ready } from './health.ts';
export { createLogger, describeError, logLevels, redactSecrets, redactUrl, type Logger, type LogFields, type LogLevel } from './logger.ts';
export { backoffMs, retryForever } from './retry.ts';
export { exitConfig, runMain, type MainOptions } from './run-main.ts';
export { composeParts, createPart, startAll, stopAll, within, type Limits, type Part, type Service } from './service.ts';
export { generateRackKey, open, seal } from './seal.ts';

/**
 * JSON lines on stdout, written synchronously and without a worker: what was logged before a crash is there.
 * The message is a constant lower-case phrase; variables are fields, under the names of `LogFields`.
 */
import { pino, type Logger as PinoLogger, type DestinationStream } from 'pino';

export type Logger = PinoLogger;
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The fixed keys: the same word in every service, so that one query follows a machine. */
export type LogFields = {
  svc?: string; node?: string; mac?: string; xid?: string; event?: string; eventId?: string;
  cause?: string; attempt?: number; reason?: string;
};

export const redacted = '[redacted]';
const secretName = /password|token|secret|authorization/i;
const maxDepth = 6;

/** A logger for one service. `destination` is for tests; by default stdout. */
export function createLogger(options: { svc: string; level?: LogLevel; rack?: string | undefined }, destination?: DestinationStream): Logger {
  return redactChildren(pino({
    level: options.level ?? 'info',
    base: { svc: options.svc, ...(options.rack !== undefined && { rack: options.rack }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    messageKey: 'msg',
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) => redactSecrets(fields) as Record<string, unknown>,
    },
    serializers: { err: describeError },
  }, destination ?? pino.destination({ fd: 1, sync: true })));
}

/** pino's formatters do not see what a child logger is bound to, nor do its children's children, which inherit this one. */
function redactChildren(log: Logger): Logger {
  const { child } = log;
  const redactingChild = function (this: Logger, bindings: object, ...rest: unknown[]): Logger {
    return Reflect.apply(child, this, [redactSecrets(bindings), ...rest]) as Logger;
  };
  return Object.assign(log, { child: redactingChild });
}

/** The same value with every text, list or object under a secret-looking name replaced; the value itself when it holds none. */
export function redactSecrets(value: unknown, depth = 0): unknown {
  if (depth > maxDepth || !isPlain(value)) return value;
  let copy: Record<string, unknown> | unknown[] | undefined;
  for (const [name, inner] of Object.entries(value)) {
    const clean = isSecret(name, inner) ? redacted : redactSecrets(inner, depth + 1);
    if (clean === inner) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    (copy as Record<string, unknown>)[name] = clean;
  }
  return copy ?? value;
}

/** `nats://user:pass@host` becomes `nats://[redacted]@host`; other text stays. */
export const redactUrl = (text: string): string => text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s,]+@/gi, `$1${redacted}@`);

/** An error as log fields: also its code, its detail and the chain of causes (at most five). */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  return {
    type: error.name, message: redactUrl(error.message),
    ...(code !== undefined && { code }), ...(detail !== undefined && { detail }),
    ...(depth === 0 && { stack: redactUrl(error.stack ?? '') }),
    ...(error.cause !== undefined && depth < 5 && { cause: describeError(error.cause, depth + 1) }),
  };
}

const isSecret = (name: string, value: unknown): boolean =>
  secretName.test(name) && (typeof value === 'string' || (typeof value === 'object' && value !== null));

function isPlain(value: unknown): value is Record<string, unknown> | unknown[] {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

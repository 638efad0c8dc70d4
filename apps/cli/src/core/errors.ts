/** How the command fails, and what it exits with. */

export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** `code` is the API's own (`NODE_STATE`), or one of the command's (`UNREACHABLE`, `USAGE`, `WAIT_FAILED`, …). */
export class CliError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}

const noWay = new Set(['UNREACHABLE', 'AUTH_REQUIRED', 'AUTH_FORBIDDEN', 'BUS_UNREACHABLE', 'STORE_UNREACHABLE', 'NOT_READY']);

/** 2: the caller's mistake; 3: the region was not reached or did not let us in; 1: it said no, or what was asked for failed. */
export function exitCodeOf(code: string): ExitCode {
  if (code === 'USAGE') return exitCodes.usage;
  return noWay.has(code) ? exitCodes.unreachable : exitCodes.failed;
}

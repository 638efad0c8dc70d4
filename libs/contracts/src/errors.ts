/**
 * Failures of the world, by code. Expected outcomes are values, not errors. `public` may be shown to anyone;
 * `detail` stays in logs. docs/errors.md is compared with this table by a test.
 */
type Retry = 'never' | 'backoff';
type Row = { retry: Retry; http: number; doc: string };

export const errorTable = {
  EVENT_FOREIGN: { retry: 'never', http: 500, doc: 'A service tried to publish an event type that another service owns.' },
  EVENT_INVALID: { retry: 'never', http: 500, doc: 'An event does not satisfy its schema; the message lists every violation.' },
  BUS_UNREACHABLE: { retry: 'backoff', http: 503, doc: 'NATS does not answer; the service goes on as soon as it does.' },
  BUS_TOO_OLD: { retry: 'never', http: 500, doc: 'nats-server is older than 2.12, or JetStream is off.' },
  BUS_TOPOLOGY: { retry: 'never', http: 500, doc: 'A stream or bucket exists with settings that Ironbus can not work with.' },
  STORE_UNREACHABLE: { retry: 'backoff', http: 503, doc: 'Redis does not answer; the service goes on as soon as it does.' },
  STORE_TOO_OLD: { retry: 'never', http: 500, doc: 'redis-server is older than 7.' },
  STORE_CONFLICT: { retry: 'backoff', http: 409, doc: 'Somebody else changed the record first; read it again.' },
  CONFIG_INVALID: { retry: 'never', http: 500, doc: 'The environment does not describe a valid configuration; every violation is listed.' },
  PORT_UNAVAILABLE: { retry: 'never', http: 500, doc: 'A port is taken or needs a capability the process does not have.' },
  ASSETS_MISSING: { retry: 'never', http: 500, doc: 'Boot loaders or the ephemeral image are missing or differ from their manifest; build them with the named command.' },
  POWER_BMC_UNREACHABLE: { retry: 'backoff', http: 502, doc: 'The BMC did not answer on the network.' },
  POWER_BMC_AUTH: { retry: 'never', http: 502, doc: 'The BMC answered and refused the user name or password.' },
  POWER_BMC_REFUSED: { retry: 'never', http: 502, doc: 'The BMC understood and refused the command.' },
  POWER_NOT_CONFIRMED: { retry: 'backoff', http: 502, doc: 'The BMC accepted the command but the power state did not change in time.' },
  POWER_NOT_CONFIGURED: { retry: 'never', http: 409, doc: 'The machine has no power parameters; set them first.' },
  POWER_SEAL_UNREADABLE: { retry: 'never', http: 500, doc: 'The BMC parameters are sealed to another rack key; set them again.' },
  POWER_TOOL_MISSING: { retry: 'never', http: 500, doc: 'ipmitool is not installed on the rack.' },
  NODE_UNKNOWN: { retry: 'never', http: 404, doc: 'There is no such machine.' },
  NODE_STATE: { retry: 'never', http: 409, doc: 'The machine is in a status that does not allow this.' },
  NODE_CONFLICT: { retry: 'never', http: 409, doc: 'The name, MAC or address belongs to another machine.' },
  NETWORK_UNKNOWN: { retry: 'never', http: 404, doc: 'There is no such network.' },
  NETWORK_INVALID: { retry: 'never', http: 422, doc: 'The network as a whole does not make sense; the message says what to change.' },
  NETWORK_IN_USE: { retry: 'never', http: 409, doc: 'Addresses that the change would take away are in use; the message names them.' },
  IMAGE_UNKNOWN: { retry: 'never', http: 404, doc: 'There is no such image.' },
  IMAGE_INVALID: { retry: 'never', http: 422, doc: 'The uploaded bytes are not the image that was announced.' },
  IMAGE_IN_USE: { retry: 'never', http: 409, doc: 'A machine is being deployed from this image.' },
  PROFILE_UNKNOWN: { retry: 'never', http: 404, doc: 'There is no such installer profile, or layer.' },
  PROFILE_INVALID: { retry: 'never', http: 422, doc: 'The profile would not install a machine; the message says line, column and what to change.' },
  PROFILE_IN_USE: { retry: 'never', http: 409, doc: 'A machine is being installed by this profile.' },
  REQUEST_INVALID: { retry: 'never', http: 422, doc: 'The request does not satisfy its schema; the message lists every violation.' },
  REQUEST_CONFLICT: { retry: 'never', http: 409, doc: 'The idempotency key was used for a different request.' },
  AUTH_REQUIRED: { retry: 'never', http: 401, doc: 'The request carries no valid API key.' },
  AUTH_FORBIDDEN: { retry: 'never', http: 403, doc: 'The key does not allow this.' },
  ROUTE_UNKNOWN: { retry: 'never', http: 404, doc: 'There is nothing at this address.' },
  RACK_TOKEN: { retry: 'never', http: 403, doc: 'The join token is unknown, used or expired.' },
  RACK_UNKNOWN: { retry: 'never', http: 404, doc: 'There is no such rack.' },
  AGENT_TOKEN: { retry: 'never', http: 401, doc: 'The boot token is unknown or spent.' },
  AGENT_SUPERSEDED: { retry: 'never', http: 409, doc: 'The attempt is over; check in again.' },
  FILE_UNKNOWN: { retry: 'never', http: 404, doc: 'There is no such boot file.' },
  NOT_READY: { retry: 'backoff', http: 503, doc: 'The service has not heard from the region yet.' },
  INTERNAL: { retry: 'never', http: 500, doc: 'A defect of Ironbus; the log has the detail.' },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof errorTable;

export class IronbusError extends Error {
  readonly code: ErrorCode;
  readonly retry: Retry;
  /** For logs only: may name addresses and paths, never secrets. */
  readonly detail: string | undefined;

  /** `message` is public: what was wrong, where, and what to do. */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: string } = {}) {
    super(message, { cause: options.cause });
    this.name = 'IronbusError';
    this.code = code;
    this.retry = errorTable[code].retry;
    this.detail = options.detail;
  }

  get httpStatus(): number {
    return errorTable[this.code].http;
  }
}

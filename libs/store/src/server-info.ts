/** What `INFO` says about a Redis or Valkey server, and whether Ironbus can stand on it. Pure. */
export type ServerInfo = {
  /** Redis' own version; Valkey says 7.2.4 here, whatever its own is. */
  version: string;
  flavour: 'redis' | 'valkey';
  appendonly: boolean;
  evicts: boolean;
};

const oldestMajor = 7;

/** Reads the answer to `INFO`; fields that the server leaves out count as off. */
export function parseInfo(text: string): ServerInfo {
  const fields = new Map(text.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
  return {
    version: fields.get('redis_version') ?? '0',
    flavour: fields.has('valkey_version') || fields.get('server_name') === 'valkey' ? 'valkey' : 'redis',
    appendonly: fields.get('aof_enabled') === '1',
    evicts: (fields.get('maxmemory') ?? '0') !== '0' && (fields.get('maxmemory_policy') ?? 'noeviction') !== 'noeviction',
  };
}

export const isTooOld = (info: ServerInfo): boolean => info.flavour === 'redis' && Number.parseInt(info.version, 10) < oldestMajor;

/** What an operator should change, each naming the setting; empty when all is well. */
export function warningsOf(info: ServerInfo): string[] {
  return [
    ...(info.appendonly ? [] : ['appendonly is off: a restart of the server forgets what was acknowledged; set "appendonly yes", and for the region "appendfsync always"']),
    ...(info.evicts ? ['maxmemory-policy throws away state when memory is full; set "maxmemory-policy noeviction"'] : []),
  ];
}

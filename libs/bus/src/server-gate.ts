/**
 * Whether a nats-server can carry Ironbus. Older ones ignore settings silently (a per-key TTL on 2.10 never expires),
 * so the version is asked before anything is trusted.
 */
export const minimumServer = '2.12.0';

/** Why this server will not do, or undefined where it will. `info` is the server's INFO. */
export function unsuited(info: { version: string; jetstream?: boolean } | undefined): string | undefined {
  if (info === undefined) return 'the server did not introduce itself';
  if (compareVersions(info.version, minimumServer) < 0) return `nats-server ${info.version} is older than ${minimumServer}: install a newer one`;
  if (info.jetstream !== true) return `nats-server ${info.version} runs without JetStream: start it with -js or a jetstream block`;
  return undefined;
}

/** Compares the three numbers of two versions; what follows them (`-RC.1`, `-beta`) does not count. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const numbers = (version: string): number[] => (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? ['', '0', '0', '0']).slice(1).map(Number);

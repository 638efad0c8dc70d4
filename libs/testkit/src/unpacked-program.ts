/** Programs of Debian packages that are unpacked, never installed: a test's DHCP server must not become one of the host. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const unpacked = join(import.meta.dirname, '../../../.cache/unpacked');

/** The program at `path` of a package, e.g. `usr/sbin/dhcpd` of isc-dhcp-server. Throws with what to run where it is not there. */
export function unpackedProgram(name: string, path: string): string {
  const program = join(unpacked, name, path);
  if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run setup\`, which unpacks the Debian package ${name}`);
  return program;
}

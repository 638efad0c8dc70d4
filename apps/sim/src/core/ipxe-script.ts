/** What an iPXE script says once its settings are filled in: `set`, `iseq … && … || …` and `${name}`, as in iPXE's own commands. Pure. */
import type { Firmware } from './spec.ts';

/** The setting `buildarch` of the two loaders for x86: undionly.kpxe is a 32-bit program. */
const buildArchitecture: Readonly<Record<Firmware, string>> = { bios: 'i386', uefi: 'x86_64' };

/** The script's lines, each with the settings that the lines before it made; a setting that nobody made is empty. */
export function fillIn(script: string, firmware: Firmware): string {
  const settings = new Map([['buildarch', buildArchitecture[firmware]]]);
  return script.split('\n').map((line) => {
    const filled = line.replaceAll(/\$\{([^}]+)\}/g, (_, name: string) => settings.get(name) ?? '');
    const made = setBy(filled);
    if (made !== undefined) settings.set(made.name, made.value);
    return filled;
  }).join('\n');
}

/** Which setting a line makes: `set NAME VALUE`, on its own or on either side of a comparison. */
function setBy(line: string): { name: string; value: string } | undefined {
  const compared = /^iseq (\S*) (\S*) && (set .+?) \|\| (set .+)$/.exec(line);
  const [, left, right, same = '', other = ''] = compared ?? [];
  const [, name, value] = /^set (\S+) (\S+)$/.exec(compared === null ? line : left === right ? same : other) ?? [];
  return name === undefined || value === undefined ? undefined : { name, value };
}

/** A systemd unit as Ignition reads it before it writes it (go-systemd, “unit/deserialize.go”): it refuses what systemd would only log. Pure. */

export type UnitFile = { sections: string[]; problem?: string };

/** A line’s value of as many bytes and more is refused. */
const maxValueBytes = 2048;

export function readUnit(text: string): UnitFile {
  const lines = text.split(/\n/).map((line) => line.replace(/\r$/, ''));
  const sections: string[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = (lines[index] ?? '').trim();
    const stop = (message: string): UnitFile => ({ sections, problem: `line ${index + 1} of the unit ${message}` });
    if (line === '') continue;
    if (/^[#;]/.test(line)) index = lastOf(lines, index);
    else if (line.startsWith('[')) {
      const [, name, rest = ''] = /^\[([^\]]*)\](.*)$/.exec(line) ?? [];
      if (name === undefined) return stop('begins a section that is not closed: write "]" after its name');
      if (rest.trim() !== '') return stop(`says ${JSON.stringify(rest.trim())} after the name of the section: write it on a line of its own`);
      sections.push(name);
    } else if (sections.length > 0) {
      const equals = line.indexOf('=');
      if (equals < 0) return stop(`is no setting: write "Name=value", not ${JSON.stringify(line.slice(0, 40))}`);
      if (Buffer.byteLength(line.slice(equals + 1)) >= maxValueBytes) return stop(`has a value of ${maxValueBytes} bytes or more, which Ignition refuses: break it with a backslash, or call a script`);
      index = lastOf(lines, index);
    }
  }
  return { sections };
}

/** A backslash at its end makes the next line part of a line. */
function lastOf(lines: readonly string[], index: number): number {
  let last = index;
  while (/\\$/.test(lines[last] ?? '') && last < lines.length - 1) last += 1;
  return last;
}

/** systemd-escape(1) `--path`: of a path the name of its unit. */
export function escapePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length === 0) return '-';
  const written = (byte: number, first: boolean): string => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9:_.]/.test(letter) && !(first && letter === '.') ? letter : `\\x${byte.toString(16).padStart(2, '0')}`;
  };
  return parts.map((part, index) => [...Buffer.from(part)].map((byte, at) => written(byte, index === 0 && at === 0)).join('')).join('-');
}

/**
 * What iPXE makes of a script: as much of its language as ours use (https://ipxe.org/scripting, /cmd). `&&` and `||` bind alike, from the
 * left; a command that fails and is not caught ends the script. Pure: files are not fetched here, each counts as there.
 */

/** `${name}`, and what it stands for. */
export type Settings = ReadonlyMap<string, string>;
export type Outcome =
  | { do: 'boot'; kernel: string; commandLine: string; initrds: readonly string[] }
  /** Another script, or this one again; `waitSeconds` of `sleep` come first. */
  | { do: 'chain'; url: string; waitSeconds: number }
  /** The disk, or the next device of the boot order. */
  | { do: 'disk' }
  | { do: 'failed'; why: string };

type Run = { settings: Map<string, string>; kernel: { url: string; commandLine: string } | undefined; initrds: string[]; waitSeconds: number };
/** True and false are the command's success; a label is where it goes on. */
type Result = boolean | { to: string } | { over: Outcome };

/** A script that goes round without fetching anything would never end. */
const mostCommands = 1_000;

export function runScript(text: string, settings: Settings): Outcome {
  const lines = text.split('\n').map((line) => line.trim());
  if (lines[0] !== '#!ipxe') return { do: 'failed', why: 'it is no iPXE script' };
  const run: Run = { settings: new Map(settings), kernel: undefined, initrds: [], waitSeconds: 0 };
  for (let [at, commands] = [1, 0]; at < lines.length && commands < mostCommands; commands += 1) {
    const line = lines[at] ?? '';
    const result = line === '' || line.startsWith('#') || line.startsWith(':') ? true : runLine(line, run);
    if (result === false) return { do: 'failed', why: line };
    if (result === true) { at += 1; continue; }
    if ('over' in result) return result.over;
    at = lines.indexOf(`:${result.to}`);
    if (at < 0) return { do: 'failed', why: `there is no label ${result.to}` };
  }
  return { do: 'disk' };
}

function runLine(line: string, run: Run): Result {
  const parts = line.split(/ (&&|\|\|) /);
  let result: Result = runCommand(parts[0] ?? '', run);
  for (let n = 1; n < parts.length && typeof result === 'boolean'; n += 2) {
    if (result === (parts[n] === '&&')) result = runCommand(parts[n + 1] ?? '', run);
  }
  return result;
}

function runCommand(command: string, run: Run): Result {
  const expanded = command.replace(/\$\{([^}]+)\}/g, (_, name: string) => run.settings.get(name) ?? '');
  const [word = '', ...all] = expanded.split(' ');
  const [first = '', second = ''] = all.filter((each) => !each.startsWith('--'));
  switch (word) {
    case 'iseq': return first === second;
    case 'set': run.settings.set(first, second); return true;
    case 'kernel': run.kernel = { url: first, commandLine: all.slice(all.indexOf(first) + 1).join(' ') }; return true;
    case 'initrd': run.initrds.push(all.at(-1) ?? ''); return true;
    case 'imgfree': return true;
    case 'sleep': run.waitSeconds += Number(first); return true;
    case 'goto': return { to: first };
    case 'chain': return { over: { do: 'chain', url: first, waitSeconds: run.waitSeconds } };
    case 'sanboot':
    case 'exit': return { over: { do: 'disk' } };
    case 'boot': return run.kernel !== undefined && { over: { do: 'boot', kernel: run.kernel.url, commandLine: run.kernel.commandLine, initrds: run.initrds } };
    case 'menu':
    case 'item': return true;
    case 'choose': { run.settings.set(all.at(-1) ?? '', all[all.indexOf('--default') + 1] ?? ''); return true; }
    default: return { over: { do: 'failed', why: `iPXE has no command ${word}` } };
  }
}

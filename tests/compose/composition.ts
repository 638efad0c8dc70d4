/** The stack of deploy/compose as a test starts it: under a project name, ports, image name and volumes of its own. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { mustRun, run } from '../lab/harness/run.ts';

const root = join(import.meta.dirname, '../..');
export const project = 'ironbus-compose-test';
const minutes = 60_000;

export type Composition = ReturnType<typeof defineComposition>;
/** One process of a container, from /proc (proc(5)); capability sets are hex as the kernel writes them. */
export type ProcessState = { name: string; uids: number[]; capabilities: Record<'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd' | 'CapAmb', string>; noNewPrivileges: boolean };

/** Throws, with what to do, where there is no engine or no compose plugin. */
export async function requireEngine(): Promise<void> {
  const engine = await run(['docker', 'info', '--format', '{{.ServerVersion}}']).catch((error: Error) => ({ code: 1, stdout: '', stderr: error.message }));
  if (engine.code !== 0) throw new Error(`the compose test needs a running Docker Engine, and none answers (${engine.stderr.trim()}): start it, or install docker.io`);
  const plugin = await run(['docker', 'compose', 'version']);
  if (plugin.code !== 0) throw new Error('the compose test needs the compose plugin of Docker: install docker-compose (v2)');
}

export function defineComposition(settings: Record<string, string>) {
  const env = { ...process.env, ...settings };
  const command = ['docker', 'compose', '--project-name', project, '--env-file', '/dev/null', '--file', join(root, 'deploy/compose/compose.yaml')];
  const compose = (args: readonly string[], timeoutMs = minutes): Promise<string> => mustRun([...command, ...args], { env, timeoutMs });
  const container = async (service: string): Promise<string> => (await compose(['ps', '--quiet', '--all', service])).trim();
  const inspect = async (service: string, format: string): Promise<string> => (await mustRun(['docker', 'inspect', '--format', format, await container(service)])).trim();

  /** The processes of a running container, its main process first. */
  const processes = async (service: string): Promise<number[]> => {
    const main = Number(await inspect(service, '{{.State.Pid}}'));
    return [main, ...childrenOf(main)];
  };

  return {
    build: () => compose(['build'], 15 * minutes),
    /** Returns when every service is healthy; throws with the logs where that takes longer than `seconds`. */
    async up(seconds: number): Promise<void> {
      await compose(['up', '--detach', '--wait', '--wait-timeout', String(seconds)], (seconds + 60) * 1000)
        .catch(async (error: Error) => { throw new Error(`${error.message}\n${await compose(['ps', '--all'])}\n${await compose(['logs', '--no-color', '--tail', '40'])}`); });
    },
    down: () => compose(['down', '--volumes', '--timeout', '15'], 2 * minutes),
    stop: () => compose(['stop'], 2 * minutes),
    logs: (service: string) => compose(['logs', '--no-color', '--no-log-prefix', service]),
    inspect, processes,
    exec: (service: string, argv: readonly string[]) => run([...command, 'exec', '-T', service, ...argv], { env }),
    running: async (): Promise<{ service: string; health: string }[]> =>
      (await compose(['ps', '--format', '{{.Service}} {{.Health}}'])).trim().split('\n').map((line) => ({ service: line.split(' ')[0] ?? '', health: line.split(' ')[1] ?? '' })),
  };
}

export function processState(pid: number): ProcessState {
  const fields = new Map(readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]));
  const cap = (name: string): string => fields.get(name)?.replace(/^0+(?=.)/, '') ?? '';
  return {
    name: fields.get('Name') ?? '', uids: (fields.get('Uid') ?? '').split(/\s+/).map(Number), noNewPrivileges: fields.get('NoNewPrivs') === '1',
    capabilities: { CapInh: cap('CapInh'), CapPrm: cap('CapPrm'), CapEff: cap('CapEff'), CapBnd: cap('CapBnd'), CapAmb: cap('CapAmb') },
  };
}

export const processArguments = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

/** What a container costs, in MB: `anonymous` can't be had back, `pss` adds its share of programs and libraries. */
export function memoryOf(pids: readonly number[]): { anonymous: number; pss: number } {
  const texts = pids.map((pid) => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  const sum = (field: string): number => texts.reduce((total, text) => total + Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0), 0) / 1024;
  return { anonymous: sum('Pss_Anon'), pss: sum('Pss') };
}

/** What Docker counts for a container (its cgroup without page cache that nobody uses), in MB. */
export async function dockerMemoryMb(id: string): Promise<number> {
  const used = (await mustRun(['docker', 'stats', '--no-stream', '--format', '{{.MemUsage}}', id])).split('/')[0]?.trim() ?? '';
  const match = /^([\d.]+)([KMG]?)i?B$/.exec(used);
  if (match === null) throw new Error(`docker stats says ${used}, which is no size`);
  return Number(match[1]) * ({ K: 1 / 1024, M: 1, G: 1024 }[match[2] ?? ''] ?? 1 / 1048576);
}

/** Loopback ports that nobody holds now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  })));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter((text) => text !== '').map(Number);
  return children.flatMap((child) => [child, ...childrenOf(child)]);
}

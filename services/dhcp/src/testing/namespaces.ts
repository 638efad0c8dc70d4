/** Network namespaces for tests: made by name, joined by veth pairs, removed at the end. Needs root. */
import { execFileSync } from 'node:child_process';

export const run = (command: string): string => {
  const [program = '', ...args] = command.split(' ');
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
};

/** Why namespaces can not be made here; undefined when they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root: run this test as root (sudo, or a container with NET_ADMIN and SYS_ADMIN)';
  try {
    run('ip netns list');
    return undefined;
  } catch (error) {
    return `network namespaces can not be used here: ${String(error)}`;
  }
}

export type Wire = { from: string; device: string; to: string; peer: string; mac?: string; address?: string };

/** Makes the namespaces with loopback up, and the wires between them; returns what removes all of it. */
export function makeNamespaces(names: readonly string[], wires: readonly Wire[]): () => void {
  const made: string[] = [];
  const remove = (): void => { for (const name of made.splice(0)) run(`ip netns del ${name}`); };
  try {
    for (const name of names) {
      run(`ip netns add ${name}`);
      made.push(name);
      run(`ip -n ${name} link set lo up`);
    }
    for (const { from, device, to, peer, mac, address } of wires) {
      run(`ip link add ${device} netns ${from} type veth peer name ${peer} netns ${to}`);
      if (mac !== undefined) run(`ip -n ${to} link set ${peer} address ${mac}`);
      if (address !== undefined) run(`ip -n ${from} addr add ${address} dev ${device}`);
      run(`ip -n ${from} link set ${device} up`);
      run(`ip -n ${to} link set ${peer} up`);
    }
    return remove;
  } catch (error) {
    remove();
    throw error;
  }
}

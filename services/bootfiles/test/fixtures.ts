/** Machines, networks and policies for the tests. */
import type { BootPolicy, Deployment, Disk, Image, Mac, Network, NodeId, PlannedStep, Status } from '@ironbus/contracts';

export const mac = '52:54:00:77:00:01' as Mac;
export const otherMac = '52:54:00:77:00:02' as Mac;
export const node = 'k7x2mp' as NodeId;

export const disk: Disk = {
  name: 'vda', path: '/dev/vda', sizeBytes: 8_589_934_592, blockBytes: 512, serial: 'S1', wwn: null, model: null, rotational: false, transport: 'virtio', removable: false,
};
export const image: Image = {
  id: 'debian-12', name: 'Debian 12', os: 'debian', release: '12', architecture: 'amd64', format: 'raw', compression: 'zstd', sizeBytes: 1_000,
  sha256: 'a'.repeat(64), addedAt: '2026-11-20T10:00:00.000Z', defaultUser: 'debian',
};
export const deployment: Deployment = {
  image: 'debian-12', imageSha256: image.sha256, hostname: 'web1', disk, addressing: 'static', bootOrder: 'network-first', sshKeys: ['ssh-ed25519 AAAA me'],
  userDataSha256: null, deployData: null, instanceId: 'k7x2mp-3', deployedAt: null, hostKeys: [],
};
export const network: Network = {
  id: 'lan1', rack: 'rack1' as Network['rack'], interface: 'br-pxe', cidr: '10.77.0.0/24', mode: 'authoritative', serverAddress: '10.77.0.1' as Network['serverAddress'],
  baseUrl: 'http://10.77.0.1:5248', relayed: false, dynamicRanges: [], reservations: [], gateway: '10.77.0.254' as Network['serverAddress'],
  dnsServers: ['10.77.0.2' as Network['serverAddress']], ntpServers: [], domain: 'lab.example', leaseSeconds: 600, mtu: null, unknownMachines: 'enlist', afterEnlist: 'poweroff',
};

const step = (id: string, kind: string, parameters: Record<string, unknown>): PlannedStep => ({ id, kind, parameters }) as PlannedStep;
export const deploySteps: PlannedStep[] = [
  step('write-image', 'write-image', { disk, image }), step('grow', 'grow', { disk }), step('seed', 'seed', { disk, deployment }),
];

/** A policy that deploys, in attempt 3, changed by what is given; `lastAttempt` is the policy’s own `attempt`. */
export function policy(changes: Omit<Partial<BootPolicy>, 'status'> & { status?: Status; attempt?: number; lastAttempt?: number; kind?: string; steps?: PlannedStep[] } = {}): BootPolicy {
  const { attempt = 3, lastAttempt, kind = 'deploying', steps = deploySteps, ...rest } = changes;
  return {
    node, mac, version: 7, status: 'Deploying', hostname: 'web1', answer: 'agent', why: 'a test', reservedAddress: null, bootPath: 0, kernelArguments: '',
    operation: { id: 'op-1', kind, attempt, steps, end: 'reboot', maxClaims: 3, deployData: null } as unknown as BootPolicy['operation'],
    ...(lastAttempt !== undefined && { attempt: lastAttempt }), ...rest,
  } as BootPolicy;
}

/** A machine as table row and as page. */
import type { Inventory, Node } from '@ironbus/contracts';
import { formatBytes, formatFields, type Cell } from './table.ts';

export const machineHeaders = ['HOSTNAME', 'ID', 'STATUS', 'POWER', 'MAC', 'ADDRESS', 'OWNER', 'MESSAGE'] as const;

export const machineRow = (node: Node): Cell[] => [
  node.hostname, node.id, node.status, node.power.state, node.bootMac ?? node.macs[0], node.addresses[0] ?? node.reservedAddress, node.owner, node.statusMessage,
];

export function describeMachine(node: Node & { inventory?: Inventory | null }): string {
  const flags = (['held', 'quarantined', 'locked', 'detached'] as const).filter((flag) => node[flag]);
  return formatFields([
    ['hostname', node.hostname], ['id', node.id], ['status', node.status], ['message', node.statusMessage],
    ...(flags.length > 0 ? [['flags', flags.join(', ')] as const] : []),
    ['macs', node.macs.join(', ')], ['addresses', node.addresses.join(', ')], ['reserved', node.reservedAddress], ['firmware', `${node.firmware ?? '?'} ${node.architecture ?? '?'}${node.secureBoot ? ' secure boot' : ''}`],
    ['rack', node.bootRack], ['power', `${node.power.type} ${node.power.state}${node.power.address === null ? '' : ` at ${node.power.address}`}${node.power.type === 'ipmi' && !node.power.parametersSet ? ' (no parameters)' : ''}`],
    ['owner', node.owner], ['tags', node.tags.join(', ')], ...operationOf(node), ...deploymentOf(node), ...failureOf(node), ...hardwareOf(node), ['version', node.version],
  ]);
}

type Field = readonly [string, Cell];

function operationOf({ operation }: Node): Field[] {
  if (operation === null) return [];
  return [
    ['operation', `${operation.kind}, attempt ${operation.attempt}, since ${operation.startedAt}`],
    ['waits for', `${operation.awaits ?? 'nothing'}${operation.deadlineAt === null ? '' : `, until ${operation.deadlineAt}`}`],
    ['steps done', operation.stepsDone.join(', ')], ['tried', operation.remediesUsed.join(', ')],
  ];
}

function deploymentOf({ deployment }: Node): Field[] {
  if (deployment === null) return [];
  return [[deployment.image === null ? 'profile' : 'image', `${deployment.image ?? deployment.profile} as ${deployment.hostname}`], ['disk', deployment.disk?.path], ['deployed', deployment.deployedAt], ['ssh keys', deployment.sshKeys.length]];
}

function failureOf({ failure }: Node): Field[] {
  if (failure === null) return [];
  return [['failure', `${failure.reason}: ${failure.message}`], ['failed', `${failure.at} during ${failure.during}`], ['last seen', failure.lastEvidence]];
}

function hardwareOf({ hardware }: Node): Field[] {
  if (hardware === null) return [];
  return [
    ['model', [hardware.manufacturer, hardware.product].filter((part) => part !== null).join(' ')], ['cpu', `${hardware.cpuModel ?? '?'} (${hardware.cpuThreads} threads)`],
    ['memory', formatBytes(hardware.memoryBytes)], ['disks', hardware.disks.map((disk) => `${disk.name} ${formatBytes(disk.sizeBytes)}${disk.serial === null ? '' : ` ${disk.serial}`}`).join(', ')],
    ['nics', hardware.nics.map((nic) => `${nic.name} ${nic.mac}${nic.link ? '' : ' (no link)'}`).join(', ')], ['bmc', hardware.bmcAddress],
  ];
}

/** What people and programs ask of nodes (owner: api). Each is answered by a fact with its id as causationid. */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { Deployment, PowerAction, PowerType } from '../node.ts';
import { Image } from '../image.ts';
import { Profile } from '../profile.ts';
import { Hostname, MacAddress, RackIdText, Token } from '../primitives.ts';

const by = { requestedBy: Type.String({ maxLength: 200 }) };
const comment = { comment: Type.Optional(Type.String({ maxLength: 1000 })) };
const Mode = Type.Union([Type.Literal('none'), Type.Literal('quick'), Type.Literal('secure')]);

const request = <const Name extends `node.${string}-requested`, P extends import('typebox').TProperties>(type: Name, doc: string, data: P) =>
  defineEvent({ type, owner: 'api', stream: 'FACTS', key: 'node', doc, data: { ...by, ...comment, ...data } });

const powerSettings = {
  powerType: Type.Optional(PowerType), powerAddress: Type.Optional(Type.Union([Type.String({ maxLength: 253 }), Type.Null()])),
  powerParametersSet: Type.Optional(Type.Boolean()), bmcRack: Type.Optional(RackIdText),
};

export const nodeCreateRequested = request('node.create-requested', 'Make a node by hand; its first network boot matches it by MAC', {
  hostname: Type.Optional(Hostname), macs: Type.Array(MacAddress, { minItems: 1, maxItems: 64 }), ...powerSettings,
});
export const nodeUpdateRequested = request('node.update-requested', 'Change settings of a node', {
  hostname: Type.Optional(Hostname), tags: Type.Optional(Type.Array(Token, { maxItems: 100 })), ...powerSettings,
});
export const nodeAcceptRequested = request('node.accept-requested', 'Take a new machine in: it is commissioned', {});
export const nodeCommissionRequested = request('node.commission-requested', 'Inventory and test a machine', {
  tests: Type.Optional(Type.Array(Token, { maxItems: 16 })),
});
export const nodeTestRequested = request('node.test-requested', 'Run hardware tests', { tests: Type.Array(Token, { minItems: 1, maxItems: 16 }) });
export const nodeAllocateRequested = request('node.allocate-requested', 'Give a ready machine to an owner', { owner: Type.String({ maxLength: 200 }) });
export const nodeDeployRequested = request('node.deploy-requested', 'Put an operating system on the machine’s disk', {
  /** One of the two: an image that the agent writes, or the installer that writes the disk itself. */
  image: Type.Optional(Image), profile: Type.Optional(Type.Pick(Profile, ['id', 'architectures'])), hostname: Type.Optional(Hostname), owner: Type.Optional(Type.String({ maxLength: 200 })),
  /** Serial or path of the disk to write; the smallest that fits otherwise. */
  disk: Type.Optional(Type.String({ maxLength: 256 })),
  sshKeys: Deployment.properties.sshKeys, userDataSha256: Deployment.properties.userDataSha256, deployData: Deployment.properties.deployData,
  addressing: Type.Optional(Deployment.properties.addressing), bootOrder: Type.Optional(Deployment.properties.bootOrder),
  datasource: Deployment.properties.datasource,
});
export const nodeReleaseRequested = request('node.release-requested', 'Take a machine back', { erase: Type.Optional(Mode) });
export const nodeAbortRequested = request('node.abort-requested', 'Stop what is in progress', {});
export const nodePowerRequested = request('node.power-requested', 'Switch a machine, or read its power state', { action: PowerAction });
export const nodeRescueRequested = request('node.rescue-requested', 'Boot into memory with the disks untouched', {});
export const nodeExitRescueRequested = request('node.exit-rescue-requested', 'Leave rescue mode', {});
export const nodeMarkBrokenRequested = request('node.mark-broken-requested', 'Nobody may use this machine', {});
export const nodeMarkFixedRequested = request('node.mark-fixed-requested', 'The machine may be used again', {});
export const nodeReserveRequested = request('node.reserve-requested', 'Keep a machine for somebody without giving it to them', {});
export const nodeRetireRequested = request('node.retire-requested', 'Take a machine out of use for good', {});
export const nodeRemoveRequested = request('node.remove-requested', 'Forget a machine', {});

export const nodeRequests = [
  nodeCreateRequested, nodeUpdateRequested, nodeAcceptRequested, nodeCommissionRequested, nodeTestRequested, nodeAllocateRequested,
  nodeDeployRequested, nodeReleaseRequested, nodeAbortRequested, nodePowerRequested, nodeRescueRequested, nodeExitRescueRequested,
  nodeMarkBrokenRequested, nodeMarkFixedRequested, nodeReserveRequested, nodeRetireRequested, nodeRemoveRequested,
] as const;

/** What people ask: a node made by hand, its settings, its power, and that it be forgotten. */
import type { Node } from '@ironbus/contracts';
import { newRecord } from './discover.ts';
import { stateRefusal } from './messages.ts';
import { canSwitch } from './power.ts';
import type { Decision, Input, RefusalCode, RequestEvent } from './record.ts';
import { isInProgress } from './table.ts';
import { askPower, finish, noteEvidence, openFirstTurn, pushNodeFact, refuse, setWait, update, type Turn } from './turn.ts';

type Of<T extends RequestEvent['type']> = Extract<RequestEvent, { type: T }>;
type PowerSettings = Pick<Of<'node.update-requested'>['data'], 'powerType' | 'powerAddress' | 'powerParametersSet' | 'bmcRack'>;

/** A node made by hand; refused where one of its MACs or its name is another's. */
export function createNode(event: Of<'node.create-requested'>, input: Input): Decision {
  const { macs, hostname } = event.data;
  const foreign = macs.filter((mac) => input.taken.macs.has(mac));
  if (foreign.length > 0) return refused(event.type, `${foreign.join(', ')} already belongs to another machine`);
  if (hostname !== undefined && input.taken.names.has(hostname)) return refused(event.type, `another machine is called ${hostname}`);
  const turn = openFirstTurn(newRecord({ seed: event.id, input, macs: [...new Set(macs)], hostname }), input);
  noteEvidence(turn, `made by hand by ${event.data.requestedBy}`, input.now.toISOString());
  update(turn, powerPatch(turn.record.node, event.data));
  if (input.settings.missingSeconds > 0) setWait(turn, { awaits: 'node.checked-in', deadline: 'first-boot', ladder: [] }, input.settings.missingSeconds);
  return finish(turn, event);
}

/** A refusal about no node. */
export const refused = (request: string, message: string, code: RefusalCode = 'NODE_CONFLICT'): Decision => ({
  outcome: 'decided', record: undefined, power: [], correlationId: undefined, policyMacs: { put: [], remove: [] },
  facts: [{ type: 'node.request-refused', data: { request, code, message } }],
});

function powerPatch(node: Node, asked: PowerSettings): Partial<Node> {
  const power = {
    ...node.power, type: asked.powerType ?? node.power.type,
    address: asked.powerAddress === undefined ? node.power.address : asked.powerAddress,
    parametersSet: asked.powerParametersSet ?? node.power.parametersSet,
  };
  return { power, ...(asked.bmcRack !== undefined && { bmcRack: asked.bmcRack }) };
}

/** Settings of a node, in any status. An answer is published even where nothing differs, since somebody waits for one. */
export function onUpdateRequest(turn: Turn, event: Of<'node.update-requested'>, input: Input): void {
  const { node } = turn.record;
  const { hostname, tags } = event.data;
  if (hostname !== undefined && input.taken.names.has(hostname)) {
    return refuse(turn, event.type, 'NODE_CONFLICT', `another machine is called ${hostname}`);
  }
  update(turn, {
    ...powerPatch(node, event.data), ...(hostname !== undefined && { hostname }), ...(tags !== undefined && { tags: [...new Set(tags)] }),
  });
  answer(turn);
}

/** Publishes the node as it is, in answer to a request. */
function answer(turn: Turn): void {
  const { node } = turn.record;
  pushNodeFact(turn, { type: 'node.updated', data: { changed: [...turn.changed], node } });
}

/** A person switches the machine. While an operation waits for its own power request, nothing may supersede that. */
export function onPowerRequest(turn: Turn, event: Of<'node.power-requested'>): void {
  const { node, own } = turn.record;
  const { action } = event.data;
  if (!canSwitch(node)) {
    const why = node.power.type === 'manual' ? `${node.hostname} (${node.id}) is switched by hand` : `${node.hostname} (${node.id}) has no power parameters; set them first`;
    return refuse(turn, event.type, 'POWER_NOT_CONFIGURED', why);
  }
  const disturbs = isInProgress(node.status) && (action !== 'status' || own.wait?.awaits === 'power.changed');
  if (disturbs) return refuse(turn, event.type, 'NODE_STATE', stateRefusal(turn.record, event.type));
  askPower(turn, action, 'unchanged', false);
  turn.changed.add('power');
  answer(turn);
}

/** Forgets a node: its policies go, its MACs are unknown again. Not while something is in progress. */
export function onRemoveRequest(turn: Turn, event: Of<'node.remove-requested'>): void {
  const { node } = turn.record;
  if (isInProgress(node.status)) return refuse(turn, event.type, 'NODE_STATE', stateRefusal(turn.record, event.type));
  node.version += 1;
  turn.facts.push({ type: 'node.removed', data: { id: node.id, version: node.version, macs: [...node.macs] } });
  turn.removed = true;
}

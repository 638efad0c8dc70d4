/** What lifecycle says of nodes. Each carries the whole node with its version: a reader keeps the newest. */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { Node, StatusName } from '../node.ts';
import { NodeIdText, Token } from '../primitives.ts';

export const nodeDiscovered = defineEvent({
  type: 'node.discovered', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'A machine that nobody knew is now a node', data: { node: Node },
});
export const nodeTransitioned = defineEvent({
  type: 'node.transitioned', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'A node changed its status, on what, and why',
  data: { from: StatusName, to: StatusName, on: Type.String(), why: Type.String(), node: Node },
});
export const nodeUpdated = defineEvent({
  type: 'node.updated', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'Something else about a node changed', data: { changed: Type.Array(Type.String()), node: Node },
});
export const nodeRequestRefused = defineEvent({
  type: 'node.request-refused', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'A request was not carried out; nothing changed',
  data: { request: Type.String(), code: Type.String(), message: Type.String() },
});
export const nodeRemoved = defineEvent({
  type: 'node.removed', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'A node is no longer known', data: { id: NodeIdText, version: Type.Integer(), macs: Type.Array(Type.String()) },
});
export const nodeSnapshotted = defineEvent({
  type: 'node.snapshotted', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'The node as it is, once a day, so that replay never needs older events', data: { node: Node },
});
export const nodeDeadlinePassed = defineEvent({
  type: 'node.deadline-passed', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'What a node waited for did not come in time; what is tried next',
  data: { deadline: Token, awaited: Type.String(), remedy: Type.Union([Type.String(), Type.Null()]) },
});

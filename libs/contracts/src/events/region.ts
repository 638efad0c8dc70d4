/** Facts about what the region keeps (owner: api). */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { Image } from '../image.ts';
import { Network } from '../network.ts';
import { Layer, Profile } from '../profile.ts';
import { RackIdText, Token } from '../primitives.ts';

export const networkChanged = defineEvent({
  type: 'network.changed', owner: 'api', stream: 'FACTS', key: 'network', doc: 'A network was made, changed or removed', data: { id: Token, network: Type.Union([Network, Type.Null()]), revision: Type.Integer() },
});
export const networkProbeRequested = defineEvent({
  type: 'network.probe-requested', owner: 'api', stream: 'FACTS', key: 'network', doc: 'A person asks which DHCP servers answer on a network; dhcp of its rack answers with dhcp.probed', data: { network: Token, rack: RackIdText },
});
export const imageAdded = defineEvent({ type: 'image.added', owner: 'api', stream: 'FACTS', key: 'image', doc: 'An image was uploaded and verified', data: { image: Image } });
export const imageRemoved = defineEvent({ type: 'image.removed', owner: 'api', stream: 'FACTS', key: 'image', doc: 'An image is no longer offered', data: { id: Token } });
export const profileChanged = defineEvent({
  type: 'profile.changed', owner: 'api', stream: 'FACTS', key: 'profile', doc: 'An installer profile was made, changed or removed',
  data: { id: Token, profile: Type.Union([Profile, Type.Null()]), revision: Type.Integer() },
});
export const layerChanged = defineEvent({
  type: 'layer.changed', owner: 'api', stream: 'FACTS', key: 'layer', doc: 'Values, snippets or kernel arguments of a layer were set or removed',
  data: { id: Token, layer: Type.Union([Layer, Type.Null()]), revision: Type.Integer() },
});
export const rackJoined = defineEvent({
  type: 'rack.joined', owner: 'api', stream: 'FACTS', key: 'rack', doc: 'A rack joined with a token; secrets are sealed to its key', data: { rack: RackIdText, publicKey: Type.String() },
});
export const auditRecorded = defineEvent({
  type: 'audit.recorded', owner: 'api', stream: 'FACTS', key: 'user', doc: 'Who asked for what, and what came of it',
  data: { user: Type.String(), method: Type.String(), path: Type.String(), status: Type.Integer(), address: Type.String() },
});

/** The bodies of machine requests, and what each becomes on the bus. */
import { Type, type Static, type TObject, type TProperties } from 'typebox';
import {
  BmcParameters, DeployData, nodeAbortRequested, nodeAcceptRequested, nodeAllocateRequested, nodeCommissionRequested, nodeDeployRequested, nodeExitRescueRequested,
  nodeMarkBrokenRequested, nodeMarkFixedRequested, nodePowerRequested, nodeReleaseRequested, nodeRescueRequested, nodeReserveRequested, nodeRetireRequested, nodeTestRequested, type EventDefinition,
} from '@ironbus/contracts';

const Comment = { comment: Type.Optional(Type.String({ maxLength: 1000 })) };
const closed = { additionalProperties: false } as const;
function own<P extends TProperties, const K extends readonly (keyof P)[]>(properties: P, ...names: K): Pick<P, K[number]> {
  return Object.fromEntries(names.map((name) => [name, properties[name]])) as Pick<P, K[number]>;
}

const { type, address, port, username, password, cipherSuite, privilege } = BmcParameters.properties;
/** `ipmi` needs address, username and password; what is left out of the rest gets the usual value. */
export const PowerInput = Type.Union([
  Type.Object({ type: Type.Literal('manual') }, closed),
  Type.Object({ type, address, username, password, port: Type.Optional(port), cipherSuite: Type.Optional(cipherSuite), privilege: Type.Optional(privilege) }, closed),
]);
export type PowerInput = Static<typeof PowerInput>;

export const DeployBody = Type.Object({
  ...Comment, image: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })), profile: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
  /** For the profile’s template; they travel sealed to the rack. */
  secrets: Type.Optional(DeployData.properties.secrets), userData: Type.Optional(Type.String()),
  ...own(nodeDeployRequested.data.properties, 'hostname', 'owner', 'disk', 'addressing', 'bootOrder', 'datasource'),
  sshKeys: Type.Optional(nodeDeployRequested.data.properties.sshKeys),
}, closed);
export type DeployBody = Static<typeof DeployBody>;

/** An action whose body is its event's data without who asked. */
export type Action = { path: string; event: EventDefinition; body: TObject; doc: string };

const action = (path: string, event: EventDefinition, properties: TProperties, doc: string): Action => ({
  path, event, body: Type.Object({ ...Comment, ...properties }, closed), doc,
});

export const actions: readonly Action[] = [
  action('accept', nodeAcceptRequested, {}, 'Take a new machine in: it is commissioned'),
  action('commission', nodeCommissionRequested, own(nodeCommissionRequested.data.properties, 'tests'), 'Inventory and test'),
  action('test', nodeTestRequested, own(nodeTestRequested.data.properties, 'tests'), 'Run hardware tests'),
  action('allocate', nodeAllocateRequested, { owner: Type.Optional(nodeAllocateRequested.data.properties.owner) }, 'Give it to an owner'),
  action('release', nodeReleaseRequested, own(nodeReleaseRequested.data.properties, 'erase'), 'Take it back, erasing its disks if asked to'),
  action('abort', nodeAbortRequested, {}, 'Stop what is in progress'),
  action('rescue', nodeRescueRequested, {}, 'Boot into memory, disks untouched'),
  action('exit-rescue', nodeExitRescueRequested, {}, 'Leave rescue mode'),
  action('mark-broken', nodeMarkBrokenRequested, {}, 'Nobody may use it'),
  action('mark-fixed', nodeMarkFixedRequested, {}, 'It may be used again'),
  action('reserve', nodeReserveRequested, {}, 'Keep it for somebody without giving it to them'),
  action('retire', nodeRetireRequested, {}, 'Take it out of use for good'),
  action('power', nodePowerRequested, own(nodePowerRequested.data.properties, 'action'), 'Switch it, or read its power state'),
];

/** `ssh-ed25519 AAAA… comment`: the type must be one that OpenSSH knows and the blob must carry the same type. */
export function checkSshKey(line: string): string[] {
  const [kind, blob] = line.trim().split(/\s+/);
  const known = /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)$/;
  const excerpt = JSON.stringify(line.slice(0, 40));
  if (line.includes('PRIVATE KEY')) return ['this is a private key: give the .pub file'];
  if (kind === undefined || !known.test(kind)) return [`${excerpt} is not an OpenSSH public key: it starts with ssh-ed25519, ssh-rsa or ecdsa-sha2-…`];
  if (/[\r\n]/.test(line.trim())) return [`${excerpt} has several lines: give one key each`];
  const fields = readStrings(Buffer.from(blob ?? '', 'base64'));
  return fields !== undefined && fields.length > 1 && fields[0]?.toString('latin1') === kind ? [] : [`${excerpt} is cut off or damaged: copy the whole line again`];
}

/** The length-prefixed strings that a key blob consists of (RFC 4251 §5, RFC 4253 §6.6); undefined where the last one is cut off. */
function readStrings(blob: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    strings.push(blob.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

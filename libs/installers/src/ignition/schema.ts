/**
 * What an Ignition configuration may say, by spec version, and what Butane adds to it: the one table that reading, translating,
 * merging and checking go by. Names are Ignition’s; Butane’s are the same words in snake_case.
 *
 * Sources: coreos/ignition docs “Configuration Specification” 3.0.0 to 3.6.0, coreos/butane docs “Configuration specifications”
 * fcos 1.0.0 to 1.7.0 and flatcar 1.0.0 to 1.1.0.
 */

export type Scalar = 'text' | 'number' | 'flag';
type Of = Scalar | Shape;
export type Field = {
  readonly of: Of; readonly list?: true;
  /** The spec’s minor version that brought it. */
  readonly since?: number;
  /** What it was in spec 3.0. */
  readonly at0?: Shape;
  /** Butane alone knows it; no Ignition has it. */
  readonly sugar?: true;
  /** Butane knows it and a rack can not do it; says what to write instead. */
  readonly refused?: string;
};
export type Shape = { readonly name: string; readonly fields: Readonly<Record<string, Field>>; readonly lists: Lists };
/** How lists of an object are joined, and what may not be twice in them (Ignition, “Config Merging”). */
type Lists = {
  /** What tells the entries of a list apart; a list of text is told apart by its text. */
  readonly key?: (entry: never) => string;
  /** Entries of these are appended, and may be there twice. */
  readonly appended?: readonly string[];
  /** One name space for several lists. */
  readonly together?: readonly string[];
};

type OneOf<T> = T extends 'text' ? string : T extends 'number' ? number : T extends 'flag' ? boolean : T extends Shape ? Static<T> : never;
type ValueOf<F> = F extends { readonly of: infer T; readonly list: true } ? OneOf<T>[] : F extends { readonly of: infer T } ? OneOf<T> : never;
/** What an object of the shape is once it was read; everything is optional until the rules have seen it. */
export type Static<S extends Shape> = { [K in keyof S['fields']]?: ValueOf<S['fields'][K]> };

const text = { of: 'text' } as const;
const number = { of: 'number' } as const;
const flag = { of: 'flag' } as const;
const texts = { of: 'text', list: true } as const;
const one = <const T extends Of>(of: T): { readonly of: T } => ({ of });
const many = <const T extends Of>(of: T): { readonly of: T; readonly list: true } => ({ of, list: true });
const since = <const F extends Field, const N extends number>(minor: N, field: F): F & { readonly since: N } => ({ ...field, since: minor });
const sugar = <const F extends Field>(field: F): F & { readonly sugar: true } => ({ ...field, sugar: true });
const refused = <const F extends Field>(field: F, remedy: string): F & { readonly sugar: true; readonly refused: string } => ({ ...field, sugar: true, refused: remedy });
const shape = <const F extends Readonly<Record<string, Field>>>(name: string, fields: F, lists: Lists = {}): { readonly name: string; readonly fields: F; readonly lists: Lists } => ({ name, fields, lists });

const noFiles = 'a rack has no directory of files that goes with a profile';
export const verification = shape('verification', { hash: text });
export const httpHeader = shape('httpHeader', { name: text, value: text }, { key: ({ name }: { name?: string }) => name ?? '' });
export const resource = shape('resource', {
  source: text, inline: sugar(text),
  local: since(1, refused(text, `${noFiles}: write the content under "inline" (a snippet of the profile can hold what several profiles share), or name where it is served with "source"`)),
  compression: text, httpHeaders: since(1, many(httpHeader)), verification: one(verification),
}, { key: ({ source }: { source?: string }) => source ?? '' });
/** Of spec 3.0, where configurations and certificates were named by URL alone. */
export const reference = shape('reference', { source: text, verification: one(verification) }, { key: ({ source }: { source?: string }) => source ?? '' });

export const owner = shape('owner', { id: number, name: text });
const node = { path: text, user: one(owner), group: one(owner), overwrite: flag };
const byPath = { key: ({ path }: { path?: string }) => path ?? '' };
const byName = { key: ({ name }: { name?: string }) => name ?? '' };
export const file = shape('file', { ...node, mode: number, contents: one(resource), append: many(resource) }, { ...byPath, appended: ['append'] });
export const directory = shape('directory', { ...node, mode: number }, byPath);
export const link = shape('link', { ...node, target: text, hard: flag }, byPath);
const tree = shape('tree', { local: text, path: text, user: one(owner), group: one(owner), fileMode: number, dirMode: number });

const partitionKey = (partition: { number?: number; label?: string }): string => (partition.number ?? 0) !== 0 ? `number ${partition.number}` : partition.label === undefined ? '' : `label ${partition.label}`;
export const partition = shape('partition', {
  number, label: text, sizeMiB: number, startMiB: number, typeGuid: text, guid: text, resize: since(2, flag), shouldExist: flag, wipePartitionEntry: flag,
}, { key: partitionKey });
export const disk = shape('disk', { device: text, wipeTable: flag, partitions: many(partition) }, { key: ({ device }: { device?: string }) => device ?? '' });
export const raid = shape('raid', { name: text, level: text, devices: texts, spares: number, options: texts }, { ...byName, appended: ['options'] });
export const filesystem = shape('filesystem', {
  device: text, path: text, format: text, label: text, uuid: text, wipeFilesystem: flag, options: texts, mountOptions: since(1, texts), withMountUnit: since(1, sugar(flag)),
}, { key: ({ device }: { device?: string }) => device ?? '', appended: ['options', 'mountOptions'] });
export const tang = shape('tang', { url: text, thumbprint: text, advertisement: since(4, text) }, { key: ({ url }: { url?: string }) => url ?? '' });
export const clevisCustom = shape('clevisCustom', { pin: text, config: text, needsNetwork: flag });
export const clevis = shape('clevis', { tang: many(tang), tpm2: flag, threshold: number, custom: one(clevisCustom) });
const cex = shape('cex', { enabled: flag });
export const luks = shape('luks', {
  name: text, device: text, label: text, uuid: text, wipeVolume: flag, discard: since(4, flag), options: texts, openOptions: since(4, texts), keyFile: one(resource),
  clevis: one(clevis), cex: since(5, one(cex)),
}, { ...byName, appended: ['options'] });
export const storage = shape('storage', {
  disks: many(disk), raid: many(raid), luks: since(2, many(luks)), filesystems: many(filesystem), directories: many(directory), files: many(file), links: many(link),
  trees: since(1, refused(many(tree), `${noFiles}: write each file under storage.files with "inline" or "source"`)),
}, { together: ['directories', 'files', 'links'] });

const localUnit = refused(text, `${noFiles}: write the unit under "contents"`);
export const dropin = shape('dropin', { name: text, contents: text, contentsLocal: since(4, localUnit) }, byName);
export const unit = shape('unit', { name: text, enabled: flag, mask: flag, contents: text, contentsLocal: since(4, localUnit), dropins: many(dropin) }, byName);
export const systemd = shape('systemd', { units: many(unit) });

export const group = shape('group', { name: text, gid: number, passwordHash: text, shouldExist: since(2, flag), system: flag }, byName);
export const user = shape('user', {
  name: text, passwordHash: text, sshAuthorizedKeys: texts,
  sshAuthorizedKeysLocal: since(4, refused(texts, `${noFiles}: write the keys under "ssh_authorized_keys", such as {{ ssh_keys | json }}`)),
  uid: number, gecos: text, homeDir: text, noCreateHome: flag, primaryGroup: text, groups: texts, noUserGroup: flag, noLogInit: flag, shell: text, shouldExist: since(2, flag), system: flag,
}, byName);
const passwd = shape('passwd', { users: many(user), groups: many(group) });

export const proxy = shape('proxy', { httpProxy: text, httpsProxy: text, noProxy: texts });
const timeouts = shape('timeouts', { httpResponseHeaders: number, httpTotal: number });
export const tls = shape('tls', { certificateAuthorities: { ...many(resource), at0: reference } });
export const ignitionConfig = shape('ignitionConfig', { merge: { ...many(resource), at0: reference }, replace: { ...one(resource), at0: reference } });
const metadata = { config: one(ignitionConfig), proxy: since(1, one(proxy)), security: one(shape('security', { tls: one(tls) })), timeouts: one(timeouts) };
export const kernelArguments = shape('kernelArguments', { shouldExist: texts, shouldNotExist: texts }, { together: ['shouldExist', 'shouldNotExist'] });
const body = { kernelArguments: since(3, one(kernelArguments)), passwd: one(passwd), storage: one(storage), systemd: one(systemd) };

/** `{ "ignition": { "version": … } }` */
export const ignition = shape('ignition', { version: text, ...metadata });
export const config = shape('config', { ignition: one(ignition), ...body });
export type Config = Static<typeof config>;

export const bootDeviceLuks = shape('bootDeviceLuks', { tpm2: flag, tang: many(tang), threshold: number, discard: since(4, flag), device: since(5, text), cex: since(5, one(cex)) });
export const bootDevice = shape('bootDevice', { layout: text, luks: one(bootDeviceLuks), mirror: one(shape('mirror', { devices: texts })) });
const grubUser = shape('grubUser', { name: text, passwordHash: text }, byName);
const butaneFields = { variant: text, version: text, ignition: one(shape('ignition', metadata)), ...body };
export const flatcar = shape('flatcar', butaneFields);
export const fcos = shape('fcos', { ...butaneFields, bootDevice: since(2, sugar(one(bootDevice))), grub: since(4, sugar(one(shape('grub', { users: many(grubUser) })))) });
export type Butane = Static<typeof fcos>;

/** Minor versions of spec 3 that an Ignition of today reads. */
export const newestSpec = 6;
/** Butane’s own versions, and the spec version of the Ignition that each makes. */
export const butanes: Readonly<Record<string, Readonly<Record<string, { shape: Shape; spec: number; without?: readonly string[] }>>>> = {
  fcos: {
    '1.0.0': { shape: fcos, spec: 0 }, '1.1.0': { shape: fcos, spec: 1 }, '1.2.0': { shape: fcos, spec: 2, without: ['bootDevice'] }, '1.3.0': { shape: fcos, spec: 2 },
    '1.4.0': { shape: fcos, spec: 3 }, '1.5.0': { shape: fcos, spec: 4 }, '1.6.0': { shape: fcos, spec: 5 }, '1.7.0': { shape: fcos, spec: 6 },
  },
  flatcar: { '1.0.0': { shape: flatcar, spec: 3 }, '1.1.0': { shape: flatcar, spec: 4 } },
};

/** What a field is in a version of the spec. */
export const ofSpec = ({ of, at0 }: Field, spec: number): Field['of'] => spec === 0 ? at0 ?? of : of;

/** `sizeMiB` is `size_mib` to Butane. */
export const snake = (name: string): string => name.replace(/MiB|[A-Z]/g, (part) => `_${part.toLowerCase()}`);

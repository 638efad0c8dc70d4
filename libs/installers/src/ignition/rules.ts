/**
 * What Ignition refuses of a configuration whose keys and types are right: one rule for each shape, and no entry twice. They are those
 * of coreos/ignition (the Validate methods of each spec version’s types) with what to do about it. `strict`: what it merely warns of is refused
 * too, as `butane --strict` does. Pure.
 */
import { posix } from 'node:path';
import type { Problem } from '../template.ts';
import { keyOf } from './merge.ts';
import type { Places } from './places.ts';
import type { Fields } from './read.ts';
import * as shapes from './schema.ts';
import { ofSpec, snake, type Shape, type Static } from './schema.ts';
import { readUnit } from './unit-file.ts';
import { isJson, judgeMode, judgePath, judgeUrl } from './value-rules.ts';

export type Strictness = { spec: number; butane: boolean; places: Places };
export type Judge = {
  spec: number; strict: boolean;
  /** A key as the text writes it. */
  say: (key: string) => string;
  /** `key` names the entry that has to change; a list’s is its index. */
  problem: (owner: object, key: string | number, message: string) => void;
};
type Rule = (value: never, judge: Judge) => void;
const rule = <const S extends Shape>(shape: S, of: (value: Static<S>, judge: Judge) => void): [Shape, Rule] => [shape, of as Rule];

export const newJudge = ({ spec, butane, places }: Strictness): Judge & { problems: Problem[] } => {
  const problems: Problem[] = [];
  return { spec, strict: butane, problems, say: butane ? snake : (key) => key, problem: (owner, key, message) => void problems.push({ line: places.line(owner, key), message, rendered: true }) };
};

/** All of an object and what is in it. */
export function judgeAll(value: Fields, shape: Shape, judge: Judge): void {
  rules.get(shape)?.(value as never, judge);
  judgeTwice(value, shape, judge);
  for (const [name, field] of Object.entries(shape.fields)) {
    const of = ofSpec(field, judge.spec);
    const own = value[name];
    if (own === undefined || typeof of === 'string') continue;
    for (const entry of field.list === true ? own as Fields[] : [own as Fields]) judgeAll(entry, of, judge);
  }
}

function judgeTwice(value: Fields, shape: Shape, judge: Judge): void {
  const seen = new Map<string, Set<string>>();
  for (const [name, field] of Object.entries(shape.fields)) {
    if (field.list !== true || shape.lists.appended?.includes(name) === true) continue;
    const space = shape.lists.together?.includes(name) === true ? 'together' : name;
    const keys = seen.get(space) ?? new Set<string>();
    seen.set(space, keys);
    ((value[name] ?? []) as unknown[]).forEach((entry, index) => {
      const key = keyOf(entry, field);
      if (keys.has(key)) judge.problem(value[name] as object, index, `${JSON.stringify(key)} is there twice in ${judge.say(name)}: join the two entries, or remove one`);
      keys.add(key);
    });
  }
}

const nameless = (value: { name?: string }, judge: Judge): void => {
  if ((value.name ?? '') === '') judge.problem(value, 'name', `an entry has no ${judge.say('name')}: write one`);
};

const hashDigits: Readonly<Record<string, number>> = { sha512: 128, sha256: 64 };
const guid = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/i;

function judgeSource(value: { source?: string }, judge: Judge): void {
  if ((value.source ?? '') === '') judge.problem(value, 'source', `there is no ${judge.say('source')}: write where it is fetched from`);
}

const labelBytes: Readonly<Record<string, number>> = { ext4: 16, btrfs: 256, xfs: 12, swap: 15, vfat: 11 };
const raidLevels = ['linear', 'raid0', '0', 'stripe', 'raid1', '1', 'mirror', 'raid4', '4', 'raid5', '5', 'raid6', '6', 'raid10', '10'];
const unitKinds = ['service', 'socket', 'device', 'mount', 'automount', 'swap', 'target', 'path', 'timer', 'snapshot', 'slice', 'scope'];
const bytes = (text: string): number => Buffer.byteLength(text);

function judgeFilesystem(value: Static<typeof shapes.filesystem>, judge: Judge): void {
  const { say } = judge;
  judgePath(value, 'device', value.device, judge);
  if ((value.path ?? '') !== '') judgePath(value, 'path', value.path, judge);
  const { format = '', label = '' } = value;
  const formats = [...Object.keys(labelBytes), ...(judge.spec >= 3 ? ['none'] : [])];
  if (format === '') {
    const needs = (['path', 'label', 'uuid', 'wipeFilesystem', 'options', 'mountOptions'] as const).find((key) => {
      const own = value[key];
      return Array.isArray(own) ? own.length > 0 : own === true || (typeof own === 'string' && own !== '');
    });
    if (needs !== undefined) judge.problem(value, needs, `${say(needs)} needs a format: write ${say('format')}, one of ${formats.join(', ')}`);
  } else if (!formats.includes(format)) judge.problem(value, 'format', `Ignition makes no ${JSON.stringify(format)}: there are ${formats.join(', ')}`);
  const most = labelBytes[format];
  if (most !== undefined && bytes(label) > most) judge.problem(value, 'label', `the label ${JSON.stringify(label)} has ${bytes(label)} bytes, ${format} keeps ${most}: shorten it`);
}

function judgePartition(value: Static<typeof shapes.partition>, judge: Judge): void {
  const { label, number = 0 } = value;
  const { say } = judge;
  if (value.shouldExist === false && (label !== undefined || (value.typeGuid ?? '') !== '' || (value.guid ?? '') !== '' || value.startMiB !== undefined || value.sizeMiB !== undefined)) {
    judge.problem(value, 'shouldExist', `a partition with ${say('shouldExist')} false has nothing but its number: remove the rest`);
  }
  if (number === 0 && label === undefined) judge.problem(value, 'number', `a partition needs ${say('number')} or ${say('label')}: write one`);
  if (label !== undefined && bytes(label) > 36) judge.problem(value, 'label', `the label ${JSON.stringify(label)} has ${bytes(label)} bytes, GPT keeps 36: shorten it`);
  if (label?.includes(':') === true) judge.problem(value, 'label', `the label ${JSON.stringify(label)} would be cut at its colon: leave it out`);
  for (const key of ['guid', 'typeGuid'] as const) {
    if (!guid.test(value[key] ?? '')) judge.problem(value, key, `${JSON.stringify(value[key])} is no GUID: write it as 01234567-89AB-CDEF-EDCB-A98765432101`);
  }
}

function judgeDisk(value: Static<typeof shapes.disk>, judge: Judge): void {
  judgePath(value, 'device', value.device, judge);
  const partitions = value.partitions ?? [];
  const labels = new Set<string>();
  partitions.forEach((partition, index) => {
    const { label } = partition;
    if (label !== undefined && labels.has(label)) judge.problem(partitions, index, `two partitions have the label ${JSON.stringify(label)}: give one another`);
    if (label !== undefined) labels.add(label);
    const overlapped = partitions.slice(0, index).find((other) => overlap(partition, other));
    if (overlapped !== undefined) judge.problem(partitions, index, `the partition overlaps the one that begins at ${overlapped.startMiB} MiB: change ${judge.say('startMiB')} or ${judge.say('sizeMiB')}`);
  });
  const absent = partitions.findIndex(({ shouldExist }) => shouldExist === false);
  if (absent >= 0 && partitions.some(({ number = 0 }) => number === 0)) judge.problem(partitions, absent, `beside a partition with ${judge.say('shouldExist')} false all have to say their ${judge.say('number')}`);
}

type Extent = { startMiB?: number; sizeMiB?: number };
function overlap(one: Extent, other: Extent): boolean {
  const [left, right] = [extent(one), extent(other)];
  return left !== undefined && right !== undefined && left.first <= right.last && right.first <= left.last;
}
/** Of a partition that says where it lies. */
const extent = ({ startMiB, sizeMiB }: Extent): { first: number; last: number } | undefined =>
  startMiB === undefined || startMiB === 0 || sizeMiB === undefined ? undefined : { first: startMiB, last: sizeMiB === 0 ? startMiB : startMiB + sizeMiB - 1 };

function judgeLuks(value: Static<typeof shapes.luks>, judge: Judge): void {
  nameless(value, judge);
  const { clevis = {}, name = '', label = '' } = value;
  if (name.includes('/')) judge.problem(value, 'name', `${JSON.stringify(name)} is the name under /dev/mapper: leave the slash out`);
  if (bytes(label) > 47) judge.problem(value, 'label', `the label has ${bytes(label)} bytes, LUKS keeps 47: shorten it`);
  judgePath(value, 'device', value.device, judge);
  const keys = (clevis.tang ?? []).length > 0 || clevis.tpm2 === true || (clevis.threshold ?? 0) !== 0;
  if ((clevis.custom?.pin ?? '') !== '' && keys) judge.problem(value, 'clevis', 'custom goes without tang, tpm2 and threshold: remove one or the other');
  if (value.cex?.enabled !== true) return;
  if (keys || (clevis.custom?.pin ?? '') !== '') judge.problem(value, 'cex', 'cex goes without clevis: remove one');
  if ((value.keyFile?.source ?? '') !== '') judge.problem(value, 'cex', `cex goes without ${judge.say('keyFile')}: remove one`);
}

function judgeStorage(value: Static<typeof shapes.storage>, judge: Judge): void {
  const { links = [], files = [], directories = [], disks = [], filesystems = [] } = value;
  const linked = new Set(links.map(({ path }) => path));
  for (const list of [directories, files, links]) {
    list.forEach(({ path = '' }, index) => {
      const link = above(path).find((directory) => linked.has(directory));
      if (link !== undefined) judge.problem(list, index, `${path} lies behind the link ${link}: write where that points to`);
    });
  }
  for (const link of links) {
    if ((link.target ?? '') === '') judge.problem(link, 'target', `the link has no ${judge.say('target')}: write what it points to`);
    if (link.hard !== true) continue;
    const target = posix.resolve(link.path ?? '/', link.target ?? '');
    if (directories.some(({ path }) => path === target)) judge.problem(link, 'target', `${target} is a directory, which has no hard links: leave ${judge.say('hard')} out`);
    if (judge.strict && (link.user ?? link.group) !== undefined) judge.problem(link, link.user === undefined ? 'group' : 'user', 'a hard link has the owner of its target: remove user and group');
  }
  if (judge.strict) filesystems.forEach((filesystem) => judgeOnDisk(filesystem, disks.find(({ device }) => device === filesystem.device), judge));
}

/** The directories that a path lies in. */
const above = (path: string): string[] => path.split('/').slice(1, -1).map((_, index, parts) => `/${parts.slice(0, index + 1).join('/')}`);

function judgeOnDisk(filesystem: Static<typeof shapes.filesystem>, disk: Static<typeof shapes.disk> | undefined, judge: Judge): void {
  if (disk === undefined) return;
  if ((disk.partitions ?? []).length > 0) judge.problem(filesystem, 'device', `${disk.device} gets partitions, which the filesystem would overwrite: name a partition, such as /dev/disk/by-partlabel/<label>`);
  else if (filesystem.wipeFilesystem !== true && disk.wipeTable === true) judge.problem(filesystem, 'device', `${disk.device} is wiped, and so is this: write ${judge.say('wipeFilesystem')}: true`);
}

function judgeUnit(value: Static<typeof shapes.unit>, judge: Judge): void {
  const { name = '', contents = '' } = value;
  if (!unitKinds.some((kind) => name.endsWith(`.${kind}`))) judge.problem(value, 'name', `${JSON.stringify(name)} is no name of a unit: end it in one of .${unitKinds.join(', .')}`);
  const { problem, sections } = readUnit(contents);
  if (problem !== undefined) judge.problem(value, 'contents', `${name}: ${problem}`);
  else if (judge.strict && value.enabled === true && contents !== '' && !sections.includes('Install')) {
    judge.problem(value, 'enabled', `${name} is enabled and has no section [Install], so nothing starts it: write "[Install]" and "WantedBy=multi-user.target", or leave ${judge.say('enabled')} out`);
  }
}

/** An instance takes [Install] from its template. */
function judgeUnits({ units = [] }: Static<typeof shapes.systemd>, judge: Judge): void {
  if (!judge.strict) return;
  for (const unit of units) {
    const template = unit.enabled === true ? /^(.+?)@.+?\.service$/.exec(unit.name ?? '')?.[1] : undefined;
    if (template === undefined) continue;
    const contents = units.find(({ name }) => name === `${template}@.service`)?.contents ?? '';
    const { sections, problem } = readUnit(contents);
    if (contents !== '' && problem === undefined && !sections.includes('Install')) {
      judge.problem(unit, 'enabled', `${unit.name} is enabled and ${template}@.service has no section [Install], so nothing starts it: write one there`);
    }
  }
}

function judgeConfig({ systemd = {}, storage = {} }: shapes.Config, judge: Judge): void {
  const written = new Set((systemd.units ?? []).flatMap(({ name = '', contents = '', dropins = [] }) => [
    ...(contents === '' ? [] : [`/etc/systemd/system/${name}`]), ...dropins.filter((one) => (one.contents ?? '') !== '').map((one) => `/etc/systemd/system/${name}.d/${one.name}`),
  ]));
  for (const entry of [...storage.files ?? [], ...storage.directories ?? [], ...storage.links ?? []]) {
    if (written.has(entry.path ?? '')) judge.problem(entry, 'path', `systemd.units writes ${entry.path} too: keep one of them`);
  }
}

const rules: ReadonlyMap<Shape, Rule> = new Map([
  rule(shapes.config, judgeConfig), rule(shapes.storage, judgeStorage), rule(shapes.disk, judgeDisk), rule(shapes.partition, judgePartition), rule(shapes.filesystem, judgeFilesystem),
  rule(shapes.luks, judgeLuks), rule(shapes.unit, judgeUnit), rule(shapes.systemd, judgeUnits), rule(shapes.group, nameless), rule(shapes.user, nameless),
  rule(shapes.verification, (value, judge) => {
    const [, kind = '', digits = ''] = /^([^-]*)-(.*)$/s.exec(value.hash ?? '') ?? [];
    const length = hashDigits[kind];
    if (value.hash === undefined) return;
    if (length === undefined || (kind === 'sha256' && judge.spec < 1)) judge.problem(value, 'hash', `${JSON.stringify(value.hash.slice(0, 40))} is no hash: write ${judge.spec < 1 ? '' : '"sha256-<64 digits>" or '}"sha512-<128 digits>"`);
    else if (digits.length !== length) judge.problem(value, 'hash', `a ${kind} has ${length} digits, this has ${digits.length}: copy it whole`);
  }),
  rule(shapes.resource, (value, judge) => {
    const { source = '', compression = '' } = value;
    if (!['', 'gzip'].includes(compression)) judge.problem(value, 'compression', `Ignition unpacks no ${JSON.stringify(compression)}: write gzip, or leave it out`);
    if (value.verification?.hash !== undefined && value.source === undefined) judge.problem(value, 'verification', `there is nothing to verify without ${judge.say('source')}: write it, or remove ${judge.say('verification')}`);
    judgeUrl(value, 'source', source, judge);
    if ((value.httpHeaders ?? []).length > 0 && !/^https?:/i.test(source)) judge.problem(value, 'httpHeaders', `${judge.say('httpHeaders')} go with http and https alone: remove them`);
  }),
  rule(shapes.reference, (value, judge) => judgeUrl(value, 'source', value.source, judge)),
  rule(shapes.httpHeader, (value, judge) => {
    nameless(value, judge);
    if (value.value === '') judge.problem(value, 'value', 'the header has an empty value: write one, or leave it out');
  }),
  rule(shapes.ignitionConfig, ({ merge = [] }, judge) => { for (const one of merge) judgeSource(one, judge); }),
  rule(shapes.tls, ({ certificateAuthorities = [] }, judge) => { for (const one of certificateAuthorities) judgeSource(one, judge); }),
  rule(shapes.proxy, (value, judge) => {
    for (const key of ['httpProxy', 'httpsProxy'] as const) {
      if (value[key] !== undefined && !/^https?:\/\//i.test(value[key])) judge.problem(value, key, `${JSON.stringify(value[key])} is no proxy: begin it with http:// or https://`);
    }
    if (judge.strict && /^http:/i.test(value.httpsProxy ?? '')) judge.problem(value, 'httpsProxy', 'what https would hide goes to this proxy in the clear: name one with https://');
  }),
  rule(shapes.owner, (value, judge) => { if (value.id !== undefined && (value.name ?? '') !== '') judge.problem(value, 'name', 'an owner has an id or a name: remove one'); }),
  rule(shapes.file, (value, judge) => {
    judgePath(value, 'path', value.path, judge);
    judgeMode(value, false, judge);
    if (value.overwrite === true && value.contents?.source === undefined) judge.problem(value, 'overwrite', `${judge.say('overwrite')} would leave nothing: write ${judge.say('contents')}, or leave it out`);
  }),
  rule(shapes.directory, (value, judge) => { judgePath(value, 'path', value.path, judge); judgeMode(value, true, judge); }),
  rule(shapes.link, (value, judge) => judgePath(value, 'path', value.path, judge)),
  rule(shapes.raid, (value, judge) => {
    nameless(value, judge);
    const { level = '', devices = [] } = value;
    if (!raidLevels.includes(level)) judge.problem(value, 'level', `${JSON.stringify(level)} is no level of RAID: there are ${raidLevels.join(', ')}`);
    if (raidLevels.indexOf(level) < 4 && (value.spares ?? 0) !== 0) judge.problem(value, 'spares', `${level} has no spares: remove them`);
    if (devices.length === 0) judge.problem(value, 'devices', 'an array needs devices: name them');
    devices.forEach((device, index) => judgePath(devices, index, device, judge));
  }),
  rule(shapes.clevisCustom, (value, judge) => {
    const { pin = '', config = '' } = value;
    if (pin === '' && config === '' && value.needsNetwork !== true) return;
    if (pin === '') judge.problem(value, 'pin', 'custom needs a pin, such as "tang": write it');
    else if (judge.spec < 6 && !['tpm2', 'tang', 'sss'].includes(pin)) judge.problem(value, 'pin', `Ignition knows no pin ${JSON.stringify(pin)}: there are tpm2, tang, sss`);
    if (config === '') judge.problem(value, 'config', 'custom needs a config, the JSON that the pin reads: write it');
  }),
  rule(shapes.tang, (value, judge) => {
    if (!/^https?:\/\//i.test(value.url ?? '')) judge.problem(value, 'url', `${JSON.stringify(value.url ?? '')} is no address of a Tang server: write http://<host>`);
    if ((value.thumbprint ?? '') === '') judge.problem(value, 'thumbprint', 'a Tang server needs its thumbprint: "tang-show-keys" on the server prints it');
    if ((value.advertisement ?? '') !== '' && !isJson(value.advertisement ?? '')) judge.problem(value, 'advertisement', 'the advertisement is not JSON: it is what http://<host>/adv answers');
  }),
  rule(shapes.dropin, (value, judge) => {
    if (value.name?.endsWith('.conf') !== true) judge.problem(value, 'name', `${JSON.stringify(value.name ?? '')} is no name of a drop-in: end it in .conf`);
    const { problem } = readUnit(value.contents ?? '');
    if (problem !== undefined) judge.problem(value, 'contents', `${value.name}: ${problem}`);
  }),
]);

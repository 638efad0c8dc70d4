/** One machine’s install configuration and kernel command line, from profile, layers and facts: the same for a preview as for the machine. Pure. */
import { macToken, type Deployment, type Image, type Layer, type Mac, type MachineFacts, type Network, type Profile } from '@ironbus/contracts';
import { imageFile } from './image-file.ts';
import { kinds, phoneHomeCommand } from './kinds.ts';
import { cut, layeredArguments, mergedSnippets, mergedValues, type Source } from './layers.ts';
import { bytesToBe, holdsStandIn, redacted } from './stand-ins.ts';
import { renderTemplate, type Problem } from './template.ts';
import { templateLine } from './template-line.ts';
import { splitArguments, whyRefused } from './words.ts';

/** An image of the index by id: what a template needs of it. */
export type ImageUrls = Readonly<Record<string, { sha256: string; format?: Image['format'] }>>;

export type ComposeFrom = {
  profile: Profile; machine: MachineFacts; layers: readonly Layer[];
  deployment: Pick<Deployment, 'hostname' | 'sshKeys' | 'addressing' | 'instanceId' | 'user'>;
  network: Network | undefined;
  /** The machine’s own on this network. */
  address: string | null;
  images: ImageUrls; baseUrl: string; configUrl: string; phoneHomeUrl: string;
  userData: string | null; secrets: Readonly<Record<string, string>>;
};

/**
 * `text` is what the machine fetches; `rendered` is what the template said, which may have been translated. `standIn`: the problem
 * lies in a line that says something else to a machine.
 */
export type Composed = { ok: true; text: string; rendered: string } | { ok: false; problem: Problem; rendered?: string; standIn?: boolean };

/** The configuration; `phone_home` is a snippet that every kind but talos and ipxe has. What is said of a problem holds no secret: it goes to logs. */
export function renderConfig(from: ComposeFrom): Composed {
  const made = compose(from);
  return made.ok ? made : { ...made, problem: withoutSecrets(made.problem, from) };
}

/**
 * Messages quote what they are about. The same is looked for with stand-ins for every secret, and said of those; what only the secret itself
 * makes wrong is told by its place alone.
 */
function withoutSecrets(problem: Problem, from: ComposeFrom): Problem {
  const secrets = Object.fromEntries(Object.keys(from.secrets).map((name) => [name, redacted(name)]));
  const shown = compose({
    ...from, secrets, userData: from.userData === null ? null : redacted('user-data'),
    configUrl: from.configUrl.replace(/[^/]*(?=\/[^/]*$)/, redacted('token')), phoneHomeUrl: from.phoneHomeUrl.replace(/[^/]*$/, redacted('token')),
  });
  if (!shown.ok) return shown.problem;
  return { ...problem, message: `what a secret or the user-data says is not taken here by ${from.profile.kind}: look at its quotes and line ends, or let a filter such as | json write it` };
}

function compose(from: ComposeFrom): Composed {
  const snippets = snippetsOf(from);
  const { template, kind } = from.profile;
  const rendered = renderTemplate(template, snippets, scopeOf(from));
  if (!rendered.ok) return rendered;
  const made = kinds[kind].make(rendered.text);
  if (made.ok) return { ...made, rendered: rendered.text };
  const { problem } = made;
  const line = problem.line === undefined ? '' : rendered.text.split('\n')[problem.line - 1] ?? '';
  const source = templateLine(line, { template, snippets });
  return { ok: false, problem: { ...problem, ...(source !== undefined && { source }) }, rendered: rendered.text, standIn: holdsStandIn(line) };
}

const snippetsOf = ({ profile, layers }: ComposeFrom): Record<string, string> => {
  const { snippet } = kinds[profile.kind];
  return { ...(snippet !== null && { phone_home: snippet }), ...mergedSnippets(profile, layers) };
};

/** What templates see. Names are snake_case, as Liquid’s own are. */
function scopeOf(from: ComposeFrom): Record<string, unknown> {
  const { deployment, network, profile, baseUrl } = from;
  const machine = inOneLine(from.machine);
  const domain = network?.domain ?? null;
  const { hardware } = machine;
  return {
    machine: {
      id: machine.id, hostname: deployment.hostname, fqdn: domain === null ? deployment.hostname : `${deployment.hostname}.${domain}`, domain,
      mac: machine.bootMac ?? machine.macs[0] ?? null, macs: machine.macs, uuid: machine.uuid, serial: machine.serial,
      architecture: machine.architecture, firmware: machine.firmware, tags: machine.tags, owner: machine.owner, user: deployment.user ?? null,
      manufacturer: hardware?.manufacturer ?? null, product: hardware?.product ?? null, cpu_model: hardware?.cpuModel ?? null, cpu_threads: hardware?.cpuThreads ?? null,
      memory_mib: hardware === null ? null : Math.floor(hardware.memoryBytes / 1024 ** 2), disks: (hardware?.disks ?? []).map(snake), nics: (hardware?.nics ?? []).map(snake),
    },
    network: network === undefined ? noNetwork : {
      id: network.id, cidr: network.cidr, prefix: Number(network.cidr.split('/')[1]), netmask: netmaskOf(network.cidr), gateway: network.gateway, dns: network.dnsServers,
      ntp: network.ntpServers, domain, mtu: network.mtu, address: from.address, addressing: deployment.addressing,
    },
    profile: { id: profile.id, name: profile.name, kind: profile.kind }, instance_id: deployment.instanceId, ssh_keys: deployment.sshKeys,
    values: mergedValues(from.layers), secrets: from.secrets, user_data: from.userData,
    base_url: baseUrl, config_url: from.configUrl, phone_home: { url: from.phoneHomeUrl, command: phoneHomeCommand(from.phoneHomeUrl) },
    images: Object.fromEntries(Object.entries(from.images).map(([id, { sha256 }]) => [id, { url: `${baseUrl}/images/${sha256}`, tree: `${baseUrl}/images/${sha256}/tree`, sha256 }])),
  };
}

/** What firmware says of itself: a serial with a line end would begin a line of its own in a preseed or a script. */
const inOneLine = (machine: MachineFacts): MachineFacts =>
  JSON.parse(JSON.stringify(machine), (_key, value: unknown) => typeof value === 'string' ? value.replace(controls, ' ') : value) as MachineFacts;
// Unicode's controls and its two separators, which YAML and JavaScript take for line ends.
const controls = /[\p{Cc}\u2028\u2029]/gu;

const noNetwork = { id: null, cidr: null, prefix: null, netmask: null, gateway: null, dns: [], ntp: [], domain: null, mtu: null, address: null, addressing: 'dhcp' };
const snake = (value: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([key, own]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), own as unknown]));

function netmaskOf(cidr: string): string {
  const bits = Number(cidr.split('/')[1]);
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join('.');
}

/**
 * `words` in order, each source by name; what follows `---` reaches the installed system where the installer hands it on. `bytes` is what
 * Linux gets at most: a stand-in counts as its token, and loaders say kernel and initrd in the line.
 */
export type KernelLine = { words: string[]; bytes: number; sources: Source[]; installed: string[]; refused: string[]; problems: Problem[] };

/** COMMAND_LINE_SIZE of Linux on x86 and arm64, with the closing NUL. */
export const maxCommandLineBytes = 2048;

export function kernelLine(from: ComposeFrom & { common: string }): KernelLine {
  const { profile, machine, layers, deployment, network } = from;
  const { words, handsOn } = kinds[profile.kind];
  const rendered = renderTemplate(profile.kernelArguments, snippetsOf(from), { ...scopeOf(from), secrets: {}, user_data: null, phone_home: {} });
  const problems: Problem[] = rendered.ok ? [] : [{ ...rendered.problem, in: 'kernelArguments' }];
  const own = { from: profile.kind, words: [...words({ configUrl: from.configUrl, hostname: deployment.hostname, domain: network?.domain ?? null }), ...bootInterface(machine)] };
  const common = splitArguments(from.common);
  const layered = layeredArguments(machine, layers, { id: profile.id, arguments: rendered.ok ? rendered.text : '' });
  const sources = [own, ...(common.words.length === 0 ? [] : [{ from: commonSource, words: common.words }]), ...layered.sources];
  const parts = sources.map(({ words: said }) => cut(said));
  const installed = parts.flatMap(({ after }) => after);
  const line = [...parts.flatMap(({ before }) => before), ...(installed.length === 0 ? [] : ['---', ...installed])];
  if (installed.length > 0 && !handsOn) {
    problems.push({ in: 'kernelArguments', message: `words after --- go to the installed system with preseed and autoinstall only: ${profile.kind} says them in its template` });
  }
  const refused = [...common.refused.map((word) => ({ from: commonSource, word })), ...layered.refused];
  problems.push(...refused.map(({ from: said, word }) => ({ in: 'kernelArguments', message: `kernel arguments of ${said}: ${whyRefused(word)}` })));
  const bytes = bytesToBe([...loaderWords(from), ...line].join(' ')) + 1;
  if (bytes > maxCommandLineBytes) {
    problems.push({ in: 'kernelArguments', message: `the command line has ${bytes} bytes, those that loaders add among them, and Linux keeps ${maxCommandLineBytes}: move settings into the template` });
  }
  return { words: line, bytes, sources, installed, refused: refused.map(({ word }) => word), problems };
}

const commonSource = 'LIFECYCLE_KERNEL_ARGUMENTS';

/** PXELINUX says both in full, more than GRUB and iPXE (Syslinux, com32/elflink/ldlinux/kernel.c). */
function loaderWords({ profile: { id, kernel, initrd, overlays }, baseUrl, images }: ComposeFrom): string[] {
  const url = (file: string | null): string => file === null ? '' : bootFileUrl(file, { baseUrl, images }) ?? file;
  return [`BOOT_IMAGE=${url(kernel)}`, `initrd=${overlays.length > 0 ? initrdUrl(baseUrl, id) : url(initrd)}`];
}

const bootInterface = ({ bootMac, macs }: MachineFacts): string[] => {
  const mac: Mac | undefined = bootMac ?? macs[0];
  return mac === undefined ? [] : [`BOOTIF=01-${(macToken(mac).match(/../g) ?? []).join('-')}`];
};

/** An initrd that overlays are joined to. */
export const initrdUrl = (baseUrl: string, profile: string): string => `${baseUrl}/profiles/${profile}/initrd`;

/** Where a loader fetches a profile’s kernel or initrd; undefined where its image is not in the index. */
export function bootFileUrl(file: string, { baseUrl, images }: Pick<ComposeFrom, 'baseUrl' | 'images'>): string | undefined {
  if (!file.startsWith('image:')) return file;
  const [id = '', ...path] = file.slice('image:'.length).split('/');
  const image = images[id];
  if (image === undefined) return undefined;
  return path.length === 0 ? `${baseUrl}/images/${image.sha256}` : `${baseUrl}/images/${image.sha256}/tree/${path.join('/')}`;
}

/** Images that a profile names. */
export const imagesOf = ({ kernel, initrd, overlays }: Pick<Profile, 'kernel' | 'initrd' | 'overlays'>): string[] => [
  ...[kernel, initrd].flatMap((file) => imageFile(file)?.id ?? []), ...overlays,
];

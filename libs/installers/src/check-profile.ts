/** Whether a profile can install anything: found when it is written, not an hour later in a machine. Pure. */
import type { Layer, MachineFacts, Profile } from '@ironbus/contracts';
import { kernelLine, renderConfig, type ComposeFrom, type ImageUrls } from './compose.ts';
import { imageFile } from './image-file.ts';
import { kinds } from './kinds.ts';
import type { Problem } from './template.ts';

export type ProfileProblem = Problem & { path: string };

/** What stands where a secret or the token would. */
export const redacted = (what: string): string => `redacted-${what}`;
const exampleBase = 'http://192.0.2.1:5248';

/** Values and secrets that only a machine’s layers or its deployment give are stood in for. */
export function checkProfile(profile: Profile, { images, layers }: { images: ImageUrls; layers: readonly Layer[] }): ProfileProblem[] {
  const shape = [...checkFiles(profile), ...checkFormats(profile, images)];
  if (shape.length > 0) return shape;
  const from = exampleOf(profile, { images, layers });
  const rendered = renderConfig(from);
  const line = profile.kind === 'ipxe' ? [] : kernelLine({ ...from, common: '' }).problems;
  const found = [
    ...(rendered.ok ? [] : [{ path: '/template', ...rendered.problem }]), ...line.map((problem) => ({ path: '/kernelArguments', ...problem })),
  ];
  if (!rendered.ok || rendered.text.includes(from.phoneHomeUrl)) return found;
  return [...found, { path: '/template', message: silence(profile) }];
}

const silence = ({ kind }: Profile): string => kinds[kind].snippet === null
  ? 'nothing in it calls home, so nobody would know that the machine is installed: let the installed system fetch {{ phone_home.url }}'
  : 'nothing in it calls home, so nobody would know that the machine is installed: write {% include \'phone_home\' %}, or run {{ phone_home.command }} as the last thing';

function checkFiles({ kind, kernel, initrd, overlays }: Profile): ProfileProblem[] {
  const problem = (path: string, message: string): ProfileProblem => ({ path, message });
  if (kind === 'ipxe') {
    return kernel === null && initrd === null && overlays.length === 0 ? [] : [problem('/kernel', 'the template of kind ipxe is the boot script: it names kernel and initrd itself')];
  }
  return [
    ...(kernel === null ? [problem('/kernel', `${kind} needs a kernel: image:<id>, image:<id>/<path> or a URL`)] : []),
    ...(initrd === null ? [problem('/initrd', `${kind} needs an initrd: image:<id>, image:<id>/<path> or a URL`)] : []),
    ...(overlays.length > 0 && initrd !== null && !initrd.startsWith('image:')
      ? [problem('/overlays', 'overlays are appended to an initrd of the rack’s own: add it with "ironbus images add" and name it image:<id>, or image:<id>/<path> in an ISO')]
      : []),
  ];
}

/** Images that are not there are somebody else’s to tell. */
function checkFormats({ kernel, initrd, overlays }: Profile, images: ImageUrls): ProfileProblem[] {
  const named = [{ path: '/kernel', file: kernel }, { path: '/initrd', file: initrd }, ...overlays.map((id, index) => ({ path: `/overlays/${index}`, file: `image:${id}` }))];
  return named.flatMap(({ path, file }) => {
    const { id, path: inside } = imageFile(file) ?? { id: '' };
    const format = images[id]?.format;
    const wanted = inside === undefined ? 'file' : 'iso';
    if (format === undefined || format === wanted) return [];
    const remedy = wanted === 'iso' ? `only an ISO has files in it: name image:${id} alone, or an image of format iso`
      : format === 'iso' && !path.startsWith('/overlays') ? `name a file in it: image:${id}/<path>` : 'add the file itself with "ironbus images add --format file"';
    return [{ path, message: `image ${id} is of format ${format}: ${remedy}` }];
  });
}

/** A machine that has everything. */
const exampleMachine: MachineFacts = {
  id: 'example', hostname: 'example', macs: ['52:54:00:00:00:01'], bootMac: '52:54:00:00:00:01', uuid: '00000000-0000-4000-8000-000000000001', serial: 'EXAMPLE',
  architecture: 'amd64', firmware: 'uefi', tags: [], owner: 'somebody',
  hardware: {
    cpuModel: 'CPU', cpuThreads: 4, memoryBytes: 4 * 1024 ** 3, manufacturer: 'Maker', product: 'Model', bmcAddress: null, nics: [],
    disks: [{ name: 'sda', path: '/dev/sda', sizeBytes: 64e9, blockBytes: 512, serial: 'S1', wwn: null, model: 'Disk', rotational: false, transport: 'sata', removable: false }],
  },
} as unknown as MachineFacts;

function exampleOf(profile: Profile, { images, layers }: { images: ImageUrls; layers: readonly Layer[] }): ComposeFrom {
  const texts = [profile.template, profile.kernelArguments, ...Object.values(profile.snippets), ...layers.flatMap((layer) => Object.values(layer.snippets))];
  const values: Layer = { id: 'example', values: namesIn(texts, 'values'), snippets: {}, kernelArguments: '' };
  return {
    profile, machine: exampleMachine, layers: [values, ...layers], images, network: undefined, address: '192.0.2.10', baseUrl: exampleBase,
    configUrl: `${exampleBase}/install/example/${redacted('token')}/${kinds[profile.kind].config}`, phoneHomeUrl: `${exampleBase}/phone-home/example/${redacted('token')}`,
    deployment: { hostname: 'example', sshKeys: ['ssh-ed25519 AAAA example'], addressing: 'dhcp', instanceId: 'example-1' }, userData: '', secrets: redactedSecrets(texts),
  };
}

const namesIn = (texts: readonly string[], scope: string): Record<string, string> =>
  Object.fromEntries(texts.flatMap((text) => [...text.matchAll(new RegExp(`\\b${scope}\\.([a-z][a-z0-9_]*)`, 'g'))]).map(([, name = '']) => [name, redacted(name)]));

/** A stand-in for each secret that the texts speak of. */
export const redactedSecrets = (texts: readonly string[]): Record<string, string> => namesIn(texts, 'secrets');

/** Installer profiles as people send them, and what a machine would be told. Pure. */
import { Layer, Profile, type Deployment, type Network, type Node } from '@ironbus/contracts';
import {
  bootFileUrl, factsOf, formatProblem, initrdUrl, kernelLine, kinds, layersFor, redacted, redactedSecrets, renderConfig, type ComposeFrom, type ImageUrls, type Source,
} from '@ironbus/installers';
import { Type, type Static } from 'typebox';

const { id, name, kind, architectures, kernel, initrd, overlays, kernelArguments, template, snippets } = Profile.properties;
/** Only kind and template are always needed. */
export const ProfileInput = Type.Object({
  id, kind, template, name: Type.Optional(name), architectures: Type.Optional(architectures), kernel: Type.Optional(kernel), initrd: Type.Optional(initrd),
  overlays: Type.Optional(overlays), kernelArguments: Type.Optional(kernelArguments), snippets: Type.Optional(snippets),
}, { additionalProperties: false });
export type ProfileInput = Static<typeof ProfileInput>;

export const LayerInput = Type.Partial(Type.Pick(Layer, ['values', 'snippets', 'kernelArguments']), { additionalProperties: false });
export type LayerInput = Static<typeof LayerInput>;

export const completeProfile = (given: ProfileInput): Profile =>
  ({ name: given.id, architectures: ['amd64'], kernel: null, initrd: null, overlays: [], kernelArguments: '', snippets: {}, ...given });

/** The network that a machine would be installed on: where its address lies, else the first of its rack. */
export function networkFor(node: Pick<Node, 'addresses' | 'reservedAddress' | 'bootRack'>, networks: readonly Network[], contains: (network: Network, address: string) => boolean): Network | undefined {
  const addresses = [...(node.reservedAddress === null ? [] : [node.reservedAddress]), ...node.addresses];
  return networks.find((network) => addresses.some((address) => contains(network, address))) ?? networks.find((network) => network.rack === node.bootRack);
}

export type Region = { images: ImageUrls; layerOf: (id: string) => Layer | undefined; network: Network | undefined };
/** The machine, and what its deployment says besides. */
export type For = { node: Node; hostname?: string | undefined; sshKeys?: readonly string[] | undefined; secrets?: Readonly<Record<string, string>> | undefined; userData?: string | undefined };

/** Tokens and secrets that were not given are stood in for, so that the rest can be judged. */
export function composeFor(profile: Profile, { node, ...given }: For, region: Region): ComposeFrom {
  const { network } = region;
  const baseUrl = network?.baseUrl ?? 'http://192.0.2.1:5248';
  const deployment: ComposeFrom['deployment'] = {
    hostname: given.hostname ?? node.hostname, sshKeys: [...given.sshKeys ?? node.deployment?.sshKeys ?? []], addressing: 'static' satisfies Deployment['addressing'], instanceId: `${node.id}-preview`,
  };
  const layers = layersFor(node, region.layerOf);
  return {
    profile, machine: factsOf(node), layers, deployment, network, images: region.images, baseUrl, address: node.reservedAddress ?? node.addresses[0] ?? null,
    configUrl: `${baseUrl}/install/${node.id}/${redacted('token')}/${kinds[profile.kind].config}`, phoneHomeUrl: `${baseUrl}/phone-home/${node.id}/${redacted('token')}`,
    userData: given.userData ?? redacted('user-data'), secrets: given.secrets ?? redactedSecrets([profile.template, ...Object.values(profile.snippets), ...layers.flatMap((layer) => Object.values(layer.snippets))]),
  };
}

export type Preview = {
  profile: string; machine: string; file: string; text: string | null; problems: string[];
  kernel: string | null; initrd: string | null; kernelLine: string | null; kernelLineBytes: number; sources: Source[]; installedSystem: string | null; refused: string[];
};

export function previewOf(from: ComposeFrom, common = ''): Preview {
  const { profile } = from;
  const rendered = renderConfig(from);
  const line = profile.kind === 'ipxe' ? undefined : kernelLine({ ...from, common });
  const file = (named: string | null): string | null => named === null ? null : bootFileUrl(named, from) ?? `${named} (there is no such image)`;
  return {
    profile: profile.id, machine: from.deployment.hostname, file: kinds[profile.kind].config, text: rendered.ok ? rendered.text : null,
    problems: [...(rendered.ok ? [] : [rendered.problem]), ...(line?.problems ?? [])].map(formatProblem),
    kernel: file(profile.kernel), initrd: profile.overlays.length > 0 ? initrdUrl(from.baseUrl, profile.id) : file(profile.initrd),
    kernelLine: line?.words.join(' ') ?? null, kernelLineBytes: line?.bytes ?? 0, sources: line?.sources ?? [],
    installedSystem: line === undefined || line.installed.length === 0 ? null : line.installed.join(' '), refused: line?.refused ?? [],
  };
}

/** What an installer of a profile is told: facts gathered here, text made by @ironbus/installers. */
import { IronbusError, macToken, provisionalNodeId, type BootPolicy, type InstallStep, type IpAddress, type Mac, type Profile } from '@ironbus/contracts';
import { bootFileUrl, formatProblem, initrdUrl, kernelLine, kinds, layersFor, renderConfig, type ComposeFrom } from '@ironbus/installers';
import type { Answer } from '../core/answer.ts';
import { inNetwork } from '../core/address.ts';
import type { BootAnswer } from '../core/ipxe.ts';
import { installOf } from '../core/plan.ts';
import type { Asking } from './asker.ts';
import type { Context } from './context.ts';
import { readDeployData } from './deploy-data.ts';

type Place = { mac: Mac; asking: Asking; choice?: string | undefined };
/** Where the machine fetches its configuration; a token makes the address its own. */
export const configPath = (node: string, token: string, file: string): string => `/install/${node}/${token}/${file}`;

/** The loader’s answer. A profile or an image that has not arrived makes the machine ask again. */
export function bootInstaller(context: Context, answer: Answer, place: Place & { token: string }): BootAnswer {
  const { log, views } = context;
  const found = installingFor(context, answer, place);
  const again = (rule: string): BootAnswer => {
    log.warn({ mac: place.mac, node: answer.node, reason: rule }, 'installer can not be started, machine has to ask again');
    return { answer: 'retry', rule };
  };
  if (found === undefined) return again('profile-missing');
  const { policy, profile } = found;
  const configUrl = `${place.asking.baseUrl}${configPath(policy.node, place.token, kinds[profile.kind].config)}`;
  if (profile.kernel === null || profile.initrd === null) return { answer: 'install', rule: answer.rule, chain: configUrl };
  const from = composeFrom(context, { ...found, configUrl });
  const { words, problems } = kernelLine({ ...from, common: policy.kernelArguments });
  for (const problem of problems) log.warn({ mac: place.mac, profile: profile.id, reason: formatProblem(problem) }, 'kernel arguments may not work as meant');
  const kernel = bootFileUrl(profile.kernel, from);
  const initrd = profile.overlays.length > 0 ? initrdUrl(from.baseUrl, profile.id) : bootFileUrl(profile.initrd, from);
  return kernel === undefined || initrd === undefined ? again('profile-image-missing') : { answer: 'install', rule: answer.rule, kernel, initrd, commandLine: words };
}

/** `managed`: a node’s attempt, which the ledger follows; else a person at the console of a machine nobody knows chose the profile. */
export type Installing = Place & { policy: Pick<BootPolicy, 'node' | 'kernelArguments' | 'tags' | 'reservedAddress' | 'operation'>; profile: Profile; step: InstallStep; managed: boolean };

/** What an answer `install` is about; undefined while the profile is not here. */
export function installingFor({ views }: Context, { rule }: Answer, place: Place): Installing | undefined {
  const policy = views.policyOf(place.mac);
  const step = rule === 'chosen-profile' ? unmanagedStep(place) : installOf(policy)?.step;
  const profile = step === undefined ? undefined : views.profiles.get(step.profile);
  if (step === undefined || profile === undefined) return undefined;
  if (rule !== 'chosen-profile') return policy === undefined ? undefined : { ...place, policy, profile, step, managed: true };
  return { ...place, policy: { node: step.machine.id, kernelArguments: '', reservedAddress: null, operation: null }, profile, step, managed: false };
}

/** Nothing is known of it but its MAC. */
function unmanagedStep({ mac, choice }: Place): InstallStep | undefined {
  if (choice?.startsWith('profile-') !== true) return undefined;
  const id = provisionalNodeId(mac);
  const hostname = `m-${macToken(mac).slice(-6)}`;
  const profile = choice.slice('profile-'.length);
  return {
    profile, machine: { id, hostname, macs: [mac], bootMac: mac, uuid: null, serial: null, architecture: null, firmware: null, tags: [], owner: null, hardware: null },
    deployment: {
      image: null, imageSha256: null, profile, hostname, disk: null, addressing: 'dhcp', bootOrder: 'network-first', sshKeys: [], userDataSha256: null, deployData: null,
      instanceId: id, deployedAt: null, hostKeys: [],
    },
  };
}

/** The configuration with its secrets. Throws NOT_READY while they have not arrived, PROFILE_INVALID where the template does not render. */
export async function renderInstall(context: Context, installing: Installing & { configUrl: string; phoneHomeUrl: string }): Promise<string> {
  const { policy, step, profile } = installing;
  const { userData, secrets = {} } = await readDeployData(context, policy, step.deployment);
  const rendered = renderConfig({ ...composeFrom(context, installing), phoneHomeUrl: installing.phoneHomeUrl, userData, secrets });
  if (rendered.ok) return rendered.text;
  context.log.error({ node: policy.node, profile: profile.id, reason: formatProblem(rendered.problem) }, 'profile does not render for this machine');
  throw new IronbusError('PROFILE_INVALID', `profile ${profile.id}: ${formatProblem(rendered.problem)}`);
}

function composeFrom({ views }: Context, { mac, asking, policy, profile, step, configUrl }: Installing & { configUrl: string }): ComposeFrom {
  const { network } = asking;
  return {
    profile, machine: { ...step.machine, bootMac: mac }, deployment: step.deployment, network, configUrl, baseUrl: asking.baseUrl, phoneHomeUrl: '', userData: null, secrets: {},
    address: addressFor(policy, asking), images: Object.fromEntries([...views.images.entries()].map(([, image]) => [image.id, image])),
    layers: layersFor({ id: policy.node, tags: policy.tags ?? [] }, (id) => views.layers.get(id)),
  };
}

/** The reserved address where it is one of this network, else the one the machine has now. */
const addressFor = ({ reservedAddress }: Installing['policy'], { network, address }: Asking): IpAddress =>
  reservedAddress !== null && network !== undefined && inNetwork(network, reservedAddress) ? reservedAddress : address;

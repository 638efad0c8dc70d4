/** What an installer of a profile is told: facts gathered here, text made by @ironbus/installers. */
import { IronbusError, type BootPolicy, type InstallStep, type IpAddress, type Mac, type Profile } from '@ironbus/contracts';
import { bootFileUrl, formatProblem, kernelLine, kinds, layersFor, renderConfig, type ComposeFrom } from '@ironbus/installers';
import type { Answer } from '../core/answer.ts';
import { inNetwork } from '../core/address.ts';
import type { BootAnswer } from '../core/ipxe.ts';
import { installOf } from '../core/plan.ts';
import type { Asking } from './asker.ts';
import type { Context } from './context.ts';
import { readDeployData } from './deploy-data.ts';

type Place = { mac: Mac; asking: Asking };
/** Where the machine fetches its configuration; a token makes the address its own. */
export const configPath = (node: string, token: string, file: string): string => `/install/${node}/${token}/${file}`;

/** The loader’s answer. A profile or an image that has not arrived makes the machine ask again. */
export function bootInstaller(context: Context, answer: Answer, place: Place & { token: string }): BootAnswer {
  const { log, views } = context;
  const policy = views.policyOf(place.mac);
  const install = installOf(policy);
  const profile = install === undefined ? undefined : views.profiles.get(install.step.profile);
  const again = (rule: string): BootAnswer => {
    log.warn({ mac: place.mac, node: policy?.node, profile: install?.step.profile, reason: rule }, 'installer can not be started, machine has to ask again');
    return { answer: 'retry', rule };
  };
  if (policy === undefined || install === undefined || profile === undefined) return again('profile-missing');
  const configUrl = `${place.asking.baseUrl}${configPath(policy.node, place.token, kinds[profile.kind].config)}`;
  if (profile.kernel === null || profile.initrd === null) return { answer: 'install', rule: answer.rule, chain: configUrl };
  const from = composeFrom(context, { ...place, policy, profile, step: install.step, configUrl });
  const { words, refused, problems } = kernelLine({ ...from, common: policy.kernelArguments });
  if (refused.length > 0) log.warn({ mac: place.mac, arguments: refused }, 'kernel arguments left out: not plain words, or ours to say');
  for (const problem of problems) log.warn({ mac: place.mac, profile: profile.id, reason: formatProblem(problem) }, 'kernel arguments may not work as meant');
  const kernel = bootFileUrl(profile.kernel, from);
  const initrd = profile.overlays.length > 0 ? `${from.baseUrl}/profiles/${profile.id}/initrd` : bootFileUrl(profile.initrd, from);
  return kernel === undefined || initrd === undefined ? again('profile-image-missing') : { answer: 'install', rule: answer.rule, kernel, initrd, commandLine: words };
}

export type Installing = Place & { policy: BootPolicy; profile: Profile; step: InstallStep };

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
const addressFor = ({ reservedAddress }: BootPolicy, { network, address }: Asking): IpAddress =>
  reservedAddress !== null && network !== undefined && inNetwork(network, reservedAddress) ? reservedAddress : address;

/**
 * What tells the installers apart: the files each asks for, the words that point it at them, and how it says that it is done.
 *
 * kickstart: Anaconda boot options `inst.ks`, `inst.ks.sendmac` · preseed: Debian installation guide, appendix B · autoinstall: Ubuntu’s
 * Subiquity, datasource NoCloud · autoyast: openSUSE AutoYaST guide, “invoking” · ignition: Ignition’s platform `metal` · talos: Talos kernel parameters.
 */
import type { MachineFacts, ProfileKind } from '@ironbus/contracts';
import { ignitionFrom } from './ignition/config.ts';
import type { Problem, Rendered } from './template.ts';
import { checkAutoinstall, checkAutoyast, checkIpxe, checkKickstart, checkPreseed, checkTalos } from './syntax.ts';

export type Words = { configUrl: string; hostname: string; domain: string | null };
export type Kind = {
  /** The file whose fetch is the claim. */
  config: string;
  /** Files beside it that hold nothing secret and start nothing. */
  beside: Readonly<Record<string, (machine: { instanceId: string; hostname: string }) => string>>;
  /** `configUrl` ends in the file; NoCloud wants the directory. */
  words: (words: Words) => readonly string[];
  /** Words after `---` are handed to the installed system. */
  handsOn: boolean;
  /** Liquid that calls home, as this kind of file writes it; a template may say it by itself with `phone_home.command`. */
  snippet: string | null;
  /** What is served, from what was rendered: itself once it was looked at, or what it is translated to. */
  make: (text: string) => Rendered;
  type: string;
};

const directory = (url: string): string => url.replace(/[^/]*$/, '');
const plain = 'text/plain; charset=utf-8';
const nothing = {};
const asIs = (check: (text: string) => Problem[]) => (text: string): Rendered => {
  const problem = check(text)[0];
  return problem === undefined ? { ok: true, text } : { ok: false, problem };
};

export const kinds: Readonly<Record<ProfileKind, Kind>> = {
  kickstart: {
    config: 'ks.cfg', beside: nothing, words: ({ configUrl }) => [`inst.ks=${configUrl}`, 'inst.ks.sendmac', 'ip=dhcp'], handsOn: false, type: plain,
    snippet: '%post --interpreter=/bin/sh\n{{ phone_home.command }}\n%end\n', make: asIs(checkKickstart),
  },
  preseed: {
    config: 'preseed.cfg', beside: nothing, handsOn: true, type: plain,
    words: ({ configUrl, hostname, domain }) => ['auto=true', 'priority=critical', `url=${configUrl}`, 'interface=auto', `hostname=${hostname}`, `domain=${domain ?? 'localdomain'}`],
    snippet: 'd-i preseed/late_command string {{ phone_home.command }}\n', make: asIs(checkPreseed),
  },
  autoinstall: {
    config: 'user-data', handsOn: true, type: plain,
    beside: { 'meta-data': ({ instanceId, hostname }) => `${JSON.stringify({ 'instance-id': instanceId, 'local-hostname': hostname })}\n`, 'vendor-data': () => '' },
    words: ({ configUrl }) => ['autoinstall', `ds=nocloud;s=${directory(configUrl)}`, 'ip=dhcp'],
    snippet: '    - {{ phone_home.command | json }}\n', make: asIs(checkAutoinstall),
  },
  autoyast: {
    config: 'autoinst.xml', beside: nothing, words: ({ configUrl }) => [`autoyast=${configUrl}`], handsOn: false, type: 'application/xml; charset=utf-8',
    snippet: '<script><filename>call-home</filename><chrooted config:type="boolean">true</chrooted><interpreter>shell</interpreter><source>{{ phone_home.command | escape }}</source></script>\n', make: asIs(checkAutoyast),
  },
  ignition: {
    config: 'config.ign', beside: nothing, handsOn: false, type: 'application/json; charset=utf-8',
    words: ({ configUrl }) => ['ignition.firstboot', 'ignition.platform.id=metal', `ignition.config.url=${configUrl}`],
    snippet: '{{ phone_home.command | json }}', make: ignitionFrom,
  },
  talos: { config: 'config.yaml', beside: nothing, words: ({ configUrl }) => ['talos.platform=metal', `talos.config=${configUrl}`], handsOn: false, type: plain, snippet: null, make: asIs(checkTalos) },
  ipxe: { config: 'install.ipxe', beside: nothing, words: () => [], handsOn: false, type: plain, snippet: null, make: asIs(checkIpxe) },
};

/** Tried for five minutes: a rack takes less to restart. One line of POSIX shell without quotes, so that every kind can hold it. */
export const phoneHomeCommand = (url: string): string =>
  `i=0; until curl -fsS -o /dev/null ${url} || wget -q -O /dev/null ${url}; do i=$((i+1)); [ $i -lt 30 ] || break; sleep 10; done`;

export const factsOf = ({ id, hostname, macs, bootMac, uuid, serial, architecture, firmware, tags, owner, hardware }: MachineFacts): MachineFacts =>
  ({ id, hostname, macs, bootMac, uuid, serial, architecture, firmware, tags, owner, hardware });

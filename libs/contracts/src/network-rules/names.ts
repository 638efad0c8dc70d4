/** Domain and search domains: names as RFC 1035 §2.3.1 has them, and few enough for option 119 (RFC 3397). */
import type { Network } from '../network.ts';
import type { Report } from './report.ts';

/** One option holds 255 bytes (RFC 2132 §2). Split ones (RFC 3396) are not understood by every client, so they are not counted on. */
const optionBytes = 255;

/** Undefined where the name is right, else what is wrong with it. Underscores are let through: Active Directory has them. */
export function nameProblem(name: string): string | undefined {
  const labels = name.split('.');
  if (name.endsWith('.')) return 'ends in a dot: leave it out';
  if (name.length > 253) return 'is longer than 253 characters';
  const wrong = labels.find((label) => !/^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/i.test(label));
  return wrong === undefined ? undefined : `has the label ${JSON.stringify(wrong)}: 1 to 63 letters, digits and dashes, no dash at either end`;
}

export function checkNames({ domain, searchDomains = [] }: Network, report: Report): void {
  const problem = domain === null ? undefined : nameProblem(domain);
  if (problem !== undefined) report('error', '/domain', `the domain ${JSON.stringify(domain)} ${problem}`);
  searchDomains.forEach((name, index) => {
    const wrong = nameProblem(name);
    if (wrong !== undefined) report('error', `/searchDomains/${index}`, `the search domain ${JSON.stringify(name)} ${wrong}`);
    else if (searchDomains.indexOf(name) < index) report('warning', `/searchDomains/${index}`, `${name} is in the list already: leave one out`);
  });
  const bytes = searchDomains.reduce((sum, name) => sum + wireBytes(name), 0);
  if (bytes > optionBytes) report('error', '/searchDomains',
    `the search domains take ${bytes} bytes, but option 119 has room for ${optionBytes}: leave some out`);
}

/** Uncompressed (RFC 1035 §3.1): a length before each label, and the root. */
const wireBytes = (name: string): number => Buffer.byteLength(name) + 2;

/** The menu of a PXE ROM: what fits into option 43 and onto a text screen (PXE 2.1 §2.4, vendor options 6, 8, 9 and 10). */
import type { BootMenu, Network } from '../network.ts';
import type { Report } from './report.ts';

const optionBytes = 255;

export function checkBootMenu({ bootMenu }: Network, report: Report): void {
  if (bootMenu === undefined || bootMenu === null) return;
  const texts = [['/bootMenu/prompt', bootMenu.prompt] as const, ...bootMenu.entries.map(({ text }, index) => [`/bootMenu/entries/${index}`, text] as const)];
  for (const [path, text] of texts) {
    if (!/^[\x20-\x7e]+$/.test(text)) report('error', path, `${JSON.stringify(text)} has characters that a ROM can not show: use plain ASCII`);
  }
  bootMenu.entries.forEach(({ text }, index) => {
    const first = bootMenu.entries.findIndex((entry) => entry.text === text);
    if (first < index) report('error', `/bootMenu/entries/${index}`,
      `entry ${first + 1} is called ${JSON.stringify(text)} too: a person could not tell them apart`);
  });
  const bytes = menuBytes(bootMenu);
  if (bytes > optionBytes) report('error', '/bootMenu',
    `the menu takes ${bytes} bytes, but option 43 has room for ${optionBytes}: shorten its texts, or leave entries out`);
}

/** Discovery control, a boot server and a line for each entry, the prompt, the end. */
function menuBytes({ prompt, entries }: BootMenu): number {
  const control = 3;
  const servers = 2 + entries.length * 7;
  const lines = 2 + entries.reduce((sum, { text }) => sum + 3 + Buffer.byteLength(text), 0);
  return control + servers + lines + 3 + Buffer.byteLength(prompt) + 1;
}

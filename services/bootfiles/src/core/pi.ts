/**
 * The same answers for a Raspberry Pi, which knows no scripts: its firmware asks for files by name (Raspberry Pi documentation,
 * "Boot sequence" and "config.txt"). The firmware itself is not free software and not shipped; whoever wants Pis to boot puts it
 * into `pi/` of the boot assets. Pure.
 */
import type { BootAnswer } from './ipxe.ts';

export const piArchitecture = 'arm64';
const kernel = `agent/${piArchitecture}/vmlinuz`;
const initrd = `agent/${piArchitecture}/initrd.img`;

/** `asset` names a file of the boot assets; `wait` asks the machine to ask again; `absent` sends it to its next boot mode. */
export type PiAnswer = { is: 'text'; text: string } | { is: 'asset'; path: string } | { is: 'wait' } | { is: 'absent' };

/** True for the one file that is different in every boot and carries a token. */
export const needsToken = (file: string): boolean => file === 'cmdline.txt';

/** `file` is what was asked, below the machine's prefix. A Pi boots its own disk by BOOT_ORDER once the network has nothing for it. */
export function answerPi(boot: BootAnswer, file: string): PiAnswer {
  if (boot.answer === 'retry' || boot.answer === 'install') return { is: 'wait' };
  if (!('commandLine' in boot)) return { is: 'absent' };
  if (file === 'config.txt') return { is: 'text', text: configText(boot.rule) };
  if (needsToken(file)) return { is: 'text', text: `${boot.commandLine.join(' ')}\n` };
  if (file === kernel || file === initrd) return { is: 'asset', path: file };
  return { is: 'asset', path: `pi/${file}` };
}

/** Names are below the machine's prefix, as everything a Pi asks for. `enable_uart` keeps the serial console's clock still. */
const configText = (rule: string): string =>
  [`# ironbus: ${rule}`, 'arm_64bit=1', 'enable_uart=1', `kernel=${kernel}`, `initramfs ${initrd} followkernel`, ''].join('\n');

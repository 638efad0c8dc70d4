/** The same answers for pxelinux (`pxelinux.cfg/01-<mac>`). Pure text. */
import type { Mac } from '@ironbus/contracts';
import type { BootAnswer } from './ipxe.ts';
import { bootInterface } from './kernel.ts';

/** `prefix` is put before file names: '' under TFTP, or a base URL for lpxelinux. */
export type PxelinuxPlace = { prefix: string; mac: Mac };

/** pxelinux can not sleep: `retry` is a prompt that times out after 5 s (tenths of a second) and reads the file again. */
export function renderPxelinux(boot: BootAnswer, place: PxelinuxPlace): string {
  if (!/^(https?:\/\/[A-Za-z0-9.:[\]-]+)?$/.test(place.prefix)) throw new Error('a pxelinux prefix is empty or a base URL');
  const retry = boot.answer === 'retry';
  const head = [`# ironbus: ${boot.rule}`, 'DEFAULT ironbus', `PROMPT ${retry ? 1 : 0}`, `TIMEOUT ${retry ? 50 : 1}`, 'LABEL ironbus'];
  return `${[...head, ...body(boot, place)].join('\n')}\n`;
}

function body(boot: BootAnswer, place: PxelinuxPlace): string[] {
  switch (boot.answer) {
    case 'agent':
    case 'hold': {
      const image = `${place.prefix}/agent-image/${boot.architecture}`;
      return [`  KERNEL ${image}/vmlinuz`, `  INITRD ${image}/initrd.img`, `  APPEND ${boot.commandLine.join(' ')}`];
    }
    case 'local': return ['  LOCALBOOT 0'];
    case 'ignore': return ['  LOCALBOOT -1'];
    case 'retry': return [`  CONFIG pxelinux.cfg/${bootInterface(place.mac)}`];
  }
}

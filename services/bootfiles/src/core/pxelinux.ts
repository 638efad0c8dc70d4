/** The same answers for PXELINUX (`pxelinux.cfg/…`; Syslinux wiki, "Config" and "PXELINUX"). Pure text. */
import type { BootAnswer } from './ipxe.ts';

/**
 * `prefix` is put before file names: '' for the directory the loader came from, which pxelinux.0 and lpxelinux.0 both read by TFTP, or
 * a base URL, which only lpxelinux.0 understands. `again` is this file's own name, read once more where there is no answer yet.
 */
export type PxelinuxPlace = { prefix: string; again: string };

/** pxelinux can not sleep: `retry` is a prompt that times out after 5 s (tenths of a second) and reads the file again. */
export function renderPxelinux(boot: BootAnswer, place: PxelinuxPlace): string {
  if (!/^(https?:\/\/[A-Za-z0-9.:[\]-]+)?$/.test(place.prefix)) throw new Error('a pxelinux prefix is empty or a base URL');
  if (!/^[A-Za-z0-9_.:/-]+$/.test(place.again)) throw new Error('a pxelinux file name is one plain word');
  const retry = boot.answer === 'retry';
  const head = [`# ironbus: ${boot.rule}`, 'DEFAULT ironbus', `PROMPT ${retry ? 1 : 0}`, `TIMEOUT ${retry ? 50 : 1}`, 'LABEL ironbus'];
  return `${[...head, ...body(boot, place)].join('\n')}\n`;
}

/** A relative name is looked up beside the loader, whatever directory that came from. */
function body(boot: BootAnswer, { prefix, again }: PxelinuxPlace): string[] {
  switch (boot.answer) {
    case 'agent':
    case 'hold': {
      const image = `${prefix === '' ? '' : `${prefix}/`}agent-image/${boot.architecture}`;
      return [`  KERNEL ${image}/vmlinuz`, `  INITRD ${image}/initrd.img`, `  APPEND ${boot.commandLine.join(' ')}`];
    }
    // Only lpxelinux.0 understands URLs; pxelinux.0 says that it can not load the kernel.
    case 'install': return 'chain' in boot ? ['  SAY ironbus: this profile is an iPXE script: boot with iPXE', `  CONFIG ${again}`]
      : [`  KERNEL ${boot.kernel}`, `  INITRD ${boot.initrd}`, `  APPEND ${boot.commandLine.join(' ')}`];
    case 'menu': return ['  SAY ironbus: a menu needs iPXE or GRUB; booting the local disk', '  LOCALBOOT 0'];
    case 'local': return ['  LOCALBOOT 0'];
    case 'ignore': return ['  LOCALBOOT -1'];
    case 'retry': return [`  CONFIG ${again}`];
  }
}

/** The same answers for PXELINUX (`pxelinux.cfg/…`; Syslinux wiki, "Config" and "PXELINUX"). Pure text. */
import type { BootAnswer } from './ipxe.ts';
import { memoryTest, scriptOf, type Menu } from './menu.ts';

/**
 * `prefix` is put before file names: '' for the directory the loader came from, which pxelinux.0 and lpxelinux.0 both read by TFTP, or
 * a base URL, which only lpxelinux.0 understands. `again` is this file's own name, read once more where there is no answer yet.
 */
export type PxelinuxPlace = { prefix: string; again: string };

/** pxelinux can not sleep: `retry` is a prompt that times out after 5 s (tenths of a second) and reads the file again. */
export function renderPxelinux(boot: BootAnswer, place: PxelinuxPlace): string {
  if (!/^(https?:\/\/[A-Za-z0-9.:[\]-]+)?$/.test(place.prefix)) throw new Error('a pxelinux prefix is empty or a base URL');
  if (!/^[A-Za-z0-9_.:/-]+$/.test(place.again)) throw new Error('a pxelinux file name is one plain word');
  if (boot.answer === 'menu' && place.prefix === '') return renderMenu(boot.rule, boot.menu, place);
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
    // menu.c32 and its libraries are looked for by TFTP, where this configuration did not come from.
    case 'menu': return ['  SAY ironbus: a menu needs a configuration by TFTP, iPXE or GRUB; booting the local disk', '  LOCALBOOT 0'];
    case 'memory-test': return [`  LINUX ${prefix === '' ? '' : `${prefix}/loaders/`}${memoryTest.bios}`, `  APPEND ${boot.options.join(' ')}`];
    case 'local': return ['  LOCALBOOT 0'];
    case 'ignore': return ['  LOCALBOOT -1'];
    case 'retry': return [`  CONFIG ${again}`];
  }
}

/** Shown by menu.c32 (Syslinux wiki, "Menu"), which counts tenths of a second, and takes 0 for no end. Entries that run a file or chain an iPXE menu are iPXE’s. */
function renderMenu(rule: string, { prompt, timeoutSeconds, entries }: Menu, { again }: PxelinuxPlace): string {
  const shown = entries.filter(({ does }) => does === 'ask');
  const configs = shown.length === 0 ? ['LABEL local-disk', '  LOCALBOOT 0']
    : shown.flatMap(({ text, choice }) => [`LABEL ${choice}`, `  MENU LABEL ${text}`, `  CONFIG ${scriptOf(again, choice)}`]);
  const first = shown[0]?.choice ?? 'local-disk';
  const how = timeoutSeconds === 0 ? [`DEFAULT ${first}`, 'PROMPT 0'] : ['UI menu.c32', `DEFAULT ${first}`, `MENU TITLE ${prompt}`, 'NOESCAPE 1', 'ALLOWOPTIONS 0', `TIMEOUT ${timeoutSeconds === 255 ? 0 : timeoutSeconds * 10}`];
  return `${[`# ironbus: ${rule}`, ...how, ...configs].join('\n')}\n`;
}

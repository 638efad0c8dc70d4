/** Words of a kernel’s command line that every boot loader reads alike. Pure. */

/**
 * No white space, quotes, backslash, `$`, braces or control characters: such a word means the same to iPXE, GRUB
 * (single-quoted) and pxelinux. Those that are operators by themselves are left out below.
 */
const word = /^[A-Za-z0-9_.,:;=/@%+~^!?*()[\]<>&|#-]{1,512}$/;
const operators = ['||', '&&', ';', '&', '|', '#'];
/** Ours to say; a policy can not say them again. */
const reserved = /^(ironbus\.|BOOTIF=|initrd=)/i;

export type Words = { words: string[]; refused: string[] };

/** Splits arguments of a policy or a setting; what could break out of a script, or speak for us, is refused by name. */
export function splitArguments(text: string): Words {
  const all = text.split(/\s+/).filter((part) => part !== '');
  const good = (part: string): boolean => word.test(part) && !operators.includes(part) && !part.startsWith('#') && !reserved.test(part);
  return { words: all.filter(good), refused: all.filter((part) => !good(part)) };
}

/** For people: without it the machine would boot with a word less, and nobody would know. */
export const whyRefused = (word: string): string => reserved.test(word)
  ? `${JSON.stringify(word)} is left out: initrd=, BOOTIF= and ironbus.* are said by Ironbus alone`
  : `${JSON.stringify(word)} can not be said to every boot loader, so it is left out: write words without quotes, backslashes, $ and braces`;

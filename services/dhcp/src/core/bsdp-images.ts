/** What a Mac may boot by BSDP. */
import { bsdpImageId, BsdpImageKind } from '@ironbus/wire';

/** `booter` is what the firmware loads by TFTP, at most 127 bytes; `rootPath` (option 17) is what an Apple booter then mounts. */
export type BsdpBootImage = {
  id: number; name: string; booter: string; rootPath?: string;
  /** Processor architectures as the client names them, such as `i386` for every Intel Mac; left out: all. */
  architectures?: readonly string[];
};

/**
 * Our own loader as an image. The index is above 4095, which by Apple's rule names the same image on every server; the id is
 * an installer's because a Mac offers those when a person holds N. A Mac's firmware is EFI and runs iPXE (not run here).
 */
export const defaultBsdpImages: readonly BsdpBootImage[] = [
  { id: bsdpImageId({ kind: BsdpImageKind.osx, install: true, index: 4444 }), name: 'Ironbus', booter: 'ipxe.efi', architectures: ['i386'] },
];

/** The manifest of what `agent/build.ts` built: loaders, boot assets and agent images, with their hashes. Pure. */
import { lazyCheck, Sha256 } from '@ironbus/contracts';
import { Type, type Static } from 'typebox';

const AssetFile = Type.Object({ path: Type.String({ minLength: 1, maxLength: 512 }), sha256: Sha256, sizeBytes: Type.Integer({ minimum: 0 }) });
export type AssetFile = Static<typeof AssetFile>;
const Manifest = Type.Object({ files: Type.Array(AssetFile, { maxItems: 10_000 }) });
const check = lazyCheck(Manifest);

/** By path below ASSETS_DIR, with forward slashes. Nothing outside this map is ever served from there. */
export type Assets = ReadonlyMap<string, AssetFile>;

/** What a rack can not do without, for the one architecture whose image is built today. */
export const requiredAssets = [
  'loaders/undionly.kpxe', 'loaders/snponly.efi', 'loaders/ipxe.efi',
  'boot-assets/bios/boot.img', 'boot-assets/bios/core.img', 'boot-assets/uefi/shimx64.efi', 'boot-assets/uefi/grubx64.efi',
  'agent/amd64/vmlinuz', 'agent/amd64/initrd.img',
] as const;

/** Reads a manifest's JSON value; reports every violation, unsafe path and missing file at once. Never throws. */
export function parseAssets(value: unknown): { ok: true; assets: Assets } | { ok: false; why: string[] } {
  const violations = check(value).map((violation) => `${violation.path} ${violation.message}`);
  if (violations.length > 0) return { ok: false, why: violations };
  const { files } = value as Static<typeof Manifest>;
  const unsafe = files.filter((file) => !isSafePath(file.path)).map((file) => `${JSON.stringify(file.path)} leaves the directory`);
  const assets = new Map(files.map((file) => [file.path, file]));
  const missing = requiredAssets.filter((path) => !assets.has(path)).map((path) => `${path} is not in the manifest`);
  return unsafe.length + missing.length > 0 ? { ok: false, why: [...unsafe, ...missing] } : { ok: true, assets };
}

const isSafePath = (path: string): boolean =>
  /^[A-Za-z0-9_.+/-]+$/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

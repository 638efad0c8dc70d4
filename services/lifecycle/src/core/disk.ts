/** Which disk an image is written to. */
import type { Disk, Image } from '@ironbus/contracts';

export type DiskChoice = { ok: true; disk: Disk } | { ok: false; why: string };

/** Compressed images and file trees do not say what they need on disk. */
const unknownNeedBytes = 2 * 1024 ** 3;

export const neededBytes = (image: Pick<Image, 'format' | 'compression' | 'sizeBytes'>): number =>
  image.format === 'raw' && image.compression === 'none' ? image.sizeBytes : Math.max(image.sizeBytes, unknownNeedBytes);

/**
 * The disk that was asked for by serial, WWN or path; else the smallest one that fits and is not removable (by name
 * where sizes are equal). `why` names every disk, so that a person can choose.
 */
export function chooseDisk(disks: readonly Disk[], image: Pick<Image, 'format' | 'compression' | 'sizeBytes'>, asked: string | undefined): DiskChoice {
  const needed = neededBytes(image);
  if (disks.length === 0) return { ok: false, why: 'the inventory of this machine has no disk; check its disk controller, then commission it again' };
  if (asked !== undefined) return askedDisk(disks, needed, asked);
  const fitting = disks.filter((disk) => !disk.removable && disk.sizeBytes >= needed)
    .toSorted((a, b) => a.sizeBytes - b.sizeBytes || (a.path < b.path ? -1 : 1));
  const disk = fitting[0];
  return disk === undefined ? { ok: false, why: `no fixed disk has the ${needed} bytes this image needs; there are ${list(disks)}` } : { ok: true, disk };
}

function askedDisk(disks: readonly Disk[], needed: number, asked: string): DiskChoice {
  const found = disks.filter((disk) => disk.serial === asked || disk.wwn === asked || disk.path === asked);
  if (found.length > 1) return { ok: false, why: `${asked} is more than one disk; there are ${list(disks)}` };
  const disk = found[0];
  if (disk === undefined) return { ok: false, why: `there is no disk ${asked}; there are ${list(disks)}` };
  if (disk.sizeBytes < needed) return { ok: false, why: `disk ${asked} has ${disk.sizeBytes} bytes and the image needs ${needed}; there are ${list(disks)}` };
  return { ok: true, disk };
}

const list = (disks: readonly Disk[]): string => disks.map((disk) =>
  `${disk.path} (${disk.serial === null ? 'no serial' : `serial ${disk.serial}`}, ${disk.sizeBytes} bytes${disk.removable ? ', removable' : ''})`).join(', ');

/** Every disk that erasing covers. */
export const erasable = (disks: readonly Disk[]): Disk[] => disks.filter((disk) => !disk.removable);

/** The files of a disc image (ISO 9660 with Rock Ridge or Joliet, UDF): where each lies in it. Reads; never mounts, never writes. */
export { type Disc, type Entry, type Found, openDisc, type VolumeKind } from './disc.ts';
export { type Extent, IsoError, type IsoReason, type Read } from './source.ts';

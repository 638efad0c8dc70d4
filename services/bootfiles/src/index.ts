/** The face of @ironbus/bootfiles. */
export { configSpec, type BootfilesConfig } from './config.ts';
export { manifest } from './manifest.ts';
export { create, type Kit } from './service.ts';

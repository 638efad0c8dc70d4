/** The face of the tftp service. */
export { configSpec, type TftpConfig } from './config.ts';
export { manifest } from './manifest.ts';
export { create, type TftpService } from './service.ts';

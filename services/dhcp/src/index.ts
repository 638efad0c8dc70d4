/** The face of the dhcp service. */
export { bootDocument } from './core/boot-document.ts';
export { configSpec, type DhcpConfig } from './config.ts';
export { manifest } from './manifest.ts';
export { create, type DhcpService } from './service.ts';

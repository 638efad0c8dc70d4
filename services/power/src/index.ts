/** The face of the power service. */
export { configSpec, type PowerConfig } from './config.ts';
export { manifest } from './manifest.ts';
export { create } from './service.ts';

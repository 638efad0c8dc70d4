/** The face of the api service. */
export { configSpec, type ApiConfig } from './config.ts';
export { manifest } from './manifest.ts';
export { create, type Kit } from './service.ts';

/** The face of the lifecycle service. */
export { configSpec, type LifecycleConfig } from './config.ts';
export { statesDocument } from './core/diagram.ts';
export { manifest } from './manifest.ts';
export { create, type Kit } from './service.ts';

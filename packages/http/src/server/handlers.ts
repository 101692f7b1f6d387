export { environmentsHandler, type TellsEnvironments } from './environments.js';
export type { JsonHandler } from './json-handler.js';
export { type ReadinessOptions, readinessHandler } from './readiness.js';

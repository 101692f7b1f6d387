// @ts-check
export { SERVICE_NAMES } from './server-kinds.mjs';
export { ServiceError } from './service-error.mjs';
export { startService } from './start-service.mjs';

export type { Environment } from './environment.js';
export {
  type CreateEnvironmentOptions,
  DEFAULT_TTL_MS,
  Environments,
  type EnvironmentsOptions,
  type Lifetime,
} from './environments.js';
export type { Membership } from './membership.js';

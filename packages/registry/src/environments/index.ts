export { endExpired } from './end-expired.js';
export { ENVIRONMENT_PREFIX, type Environment, parseEnvironment } from './environment.js';
export {
  type ChangeNote,
  ENVIRONMENT_CHANNEL,
  type EnvironmentAct,
  type EnvironmentChange,
  type EnvironmentChanged,
} from './environment-history.js';
export {
  type CreateEnvironmentOptions,
  DEFAULT_TTL_MS,
  type EnvironmentsOptions,
  type LeaveOptions,
  type Lifetime,
  type ProlongOptions,
} from './environment-options.js';
export { Environments } from './environments.js';
export { forgetUsed, LastUse } from './last-use.js';
export type { LeaveProgress } from './leave-progress.js';
export type { Membership } from './membership.js';
export {
  type ConsumedOverview,
  type EnvironmentOverview,
  overviewOf,
  type ServiceOverview,
} from './overview.js';
export {
  type DirectoryPolicy,
  type PolicyBounds,
  type PolicyChange,
  type PolicyOverview,
  whoSet,
} from './policy.js';
export { PolicyStore, readPolicy } from './policy-store.js';

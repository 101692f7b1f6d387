export { activeColor, bind, ColorwayError, detached, isColorwayError, withColor } from '@colorway/core';
export { describeAddress, directoryAt } from './address/index.js';
export { deploymentOf } from './coloring/directory-of-process.js';
export type { CreateColoringOptions } from './coloring/options.js';
export type { ColoringService } from './coloring/service-coloring.js';
export { type ComposeOptions, composeDirectory } from './compose-directory.js';
export { createColoring } from './create-coloring.js';
export {
  type ChangeNote,
  type CreateEnvironmentOptions,
  type DirectoryPolicy,
  ENVIRONMENT_CHANNEL,
  type Environment,
  type EnvironmentAct,
  type EnvironmentChange,
  type EnvironmentChanged,
  type EnvironmentOverview,
  Environments,
  type EnvironmentsOptions,
  type LeaveOptions,
  type LeaveProgress,
  type Lifetime,
  type Membership,
  type PolicyBounds,
  type PolicyChange,
  type PolicyOverview,
  type PolicyStore,
  type ProlongOptions,
  type ServiceOverview,
} from './environments/index.js';

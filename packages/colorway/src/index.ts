/**
 * Traffic coloring for microservices: many versions of a system share one environment.
 *
 *     import { createColoring } from 'colorway';
 *     import { expressColoring } from 'colorway/express';
 *     import { coloredFetch } from 'colorway/fetch';
 *
 * Each server, client, broker and registry has a subpath of its own, so that nothing is loaded that is not used. Authors of
 * adapters find more in the packages `@colorway/*`, which these modules re-export.
 *
 * @module
 */
export {
  activeColor,
  bind,
  type CarrierNames,
  type CarrierOptions,
  type Color,
  type Coloring,
  ColoringPropagator,
  ColorwayError,
  type ColorwayErrorCode,
  type ContextLossOption,
  DECISION_CHANNEL,
  type DecisionEvent,
  type Directory,
  type DirectoryView,
  detached,
  type FlowType,
  type InstanceRecord,
  type InstanceStore,
  isColorwayError,
  type MqStatus,
  type RegisterOptions,
  type Registration,
  type RouteDecision,
  type RouteReason,
  type StateStore,
  withColor,
} from '@colorway/core';
export type { Logger } from '@colorway/core/background';
export type { BalancingOptions, ClientOptions, HostFilter } from '@colorway/http';
export {
  type ColoringService,
  type ComposeOptions,
  type CreateColoringOptions,
  type CreateEnvironmentOptions,
  composeDirectory,
  createColoring,
  ENVIRONMENT_CHANNEL,
  type Environment,
  type EnvironmentChange,
  type EnvironmentChanged,
  type EnvironmentOverview,
  type Environments,
  type LeaveOptions,
  type LeaveProgress,
  type Lifetime,
  type Membership,
  type ServiceOverview,
} from '@colorway/registry';

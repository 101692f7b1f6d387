export type { ReplayStore } from '@colorway/core';
export { type Caller, callerOf } from './caller.js';
export { type ReplayMemory, replayMemory } from './replay.js';
export {
  type Receiver,
  type ServiceAuth,
  type SettledVerification,
  type SignedHeaders,
  serviceAuth,
  type Verification,
} from './service-auth.js';
export type { AuthenticatedRequest, ServiceAuthOptions } from './service-auth-options.js';
export type { Message } from './signature.js';

export { type Caller, callerOf } from './caller.js';
export { type ReplayStore, replayMemory } from './replay.js';
export {
  type AuthenticatedRequest,
  type Receiver,
  type ServiceAuth,
  type ServiceAuthOptions,
  type SignedHeaders,
  serviceAuth,
  type Verification,
} from './service-auth.js';
export type { Message } from './signature.js';

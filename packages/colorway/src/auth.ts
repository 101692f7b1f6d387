/** Calls between services that prove who sent them: give the same `serviceAuth` to clients and servers. @module */
export {
  type AuthenticatedRequest,
  type Caller,
  callerOf,
  type Message,
  type Receiver,
  type ReplayMemory,
  type ReplayStore,
  replayMemory,
  type ServiceAuth,
  type ServiceAuthOptions,
  type SettledVerification,
  type SignedHeaders,
  serviceAuth,
  type Verification,
} from '@colorway/http/auth';

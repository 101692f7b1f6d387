export { detachSubscriptions, endSubscriptions, recordDiscard } from './change-subscription.js';
export { joinPlaced } from './join-placed.js';
export type { DiscardServer, LeaveServer, LeaveWork } from './leave-server.js';
export type { Leaving } from './leaving.js';
export { leavingOf } from './leaving-of.js';
export { isSameBroker } from './same-broker.js';

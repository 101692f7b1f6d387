/*
 * What the model runs on: the very functions that ship. The ownership room is no entry point of
 * @colorway/mq, so this is the one place that reaches into it.
 */
export {
  offsetBehindPassed,
  offsetOfProof,
  owesCommit,
} from '../../packages/mq/src/kafka/commits/commit-offsets.js';
export { type BaselineStep, nextStep } from '../../packages/mq/src/ownership/baseline-step.js';
export { type ColoredStep, nextColoredStep } from '../../packages/mq/src/ownership/colored-step.js';
export { nextStepForEmptyGroup } from '../../packages/mq/src/ownership/empty-group-step.js';
export { nextEpochStep } from '../../packages/mq/src/ownership/epoch-step.js';
export { FenceStore } from '../../packages/mq/src/ownership/fence-store.js';
export { type FenceTable, type HandoverHere, handoverHere } from '../../packages/mq/src/ownership/fences.js';
export { fold } from '../../packages/mq/src/ownership/fold.js';
export {
  encodeFence,
  encodeHandover,
  parseHandover,
} from '../../packages/mq/src/ownership/handover-codec.js';
export { type FenceKind, fenceKey, stateKey } from '../../packages/mq/src/ownership/handover-keys.js';
export {
  activate,
  claimClosing,
  close,
  compareHandovers,
  firstOpenEpoch,
  type Handover,
  isFolded,
  join,
  leave,
  NEVER_JOINED,
  startDraining,
  type Transition,
} from '../../packages/mq/src/ownership/handover-state.js';
export { type Owner, owner } from '../../packages/mq/src/ownership/owner.js';
export {
  type Past,
  type PastInterval,
  stillNeeded,
  withInterval,
} from '../../packages/mq/src/ownership/past.js';
export { type CommitStep, type Proof, proofOf, proves } from '../../packages/mq/src/ownership/proof.js';
export {
  areTwoLogs,
  isOfAnotherLog,
  logOf,
  lookAtLog,
  mustAskForLog,
  renew,
} from '../../packages/mq/src/ownership/renewal.js';
export { missingFences, restorePlan } from '../../packages/mq/src/ownership/restore-plan.js';

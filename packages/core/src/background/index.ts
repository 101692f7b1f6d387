export { Deferred } from './deferred.js';
export { FORGET_AFTER_MS, GoneSince } from './gone-since.js';
export { type KeyStatus, Reconciler, type ReconcilerOptions, type StepOutcome } from './reconciler.js';
export {
  callSafely,
  defaultReporter,
  isProgrammingError,
  type Logger,
  Reporter,
  reasonOf,
} from './reporter.js';
export { runningTasks, Scope } from './scope.js';
export { askedLast, backoffMs, sleep, unlessAborted, within, withTimeLimit } from './time-limit.js';
export {
  CONFLICT,
  type EntryChange,
  retryConflicts,
  type UpdatedEntry,
  updateEntry,
} from './update-entry.js';

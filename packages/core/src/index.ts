export { activeContext, bindToContext, runInContext } from './active-context.js';
export {
  formatBaggage,
  formatMembers,
  hasBaggageKey,
  parseBaggage,
  removeBaggageMembers,
  scanBaggage,
} from './baggage.js';
export { withoutKeys } from './baggage-key.js';
export { notePolicy, trustBaggage, trustsBaggage } from './baggage-trust.js';
export { type CarrierNames, type CarrierOptions, resolveCarrierNames } from './carrier-names.js';
export { type Color, isColor, parseColor } from './color.js';
export type { Coloring, ContextLossOption, RegisterOptions, Registration } from './coloring.js';
export {
  activeColor,
  activeFlowType,
  baggageBeside,
  bind,
  detached,
  extractedFlowType,
  flowTypeIn,
  holdsUntrusted,
  refusesCarriers,
  untrustedBaggage,
  withColor,
  withFlowType,
  withoutFlowType,
  withoutRefusedCarriers,
  withRefusedCarriers,
} from './context.js';
export type { DecisionEvent } from './decision-event.js';
export type {
  Directory,
  InstanceChange,
  InstanceRecord,
  InstanceStore,
  StateChange,
  StateEntry,
  StateStore,
  Watch,
  WatchObserver,
} from './directory.js';
export { ENVIRONMENT_PREFIX, environmentKey } from './environment-key.js';
export { ColorwayError, type ColorwayErrorCode, isColorwayError, quote, REFUSAL_HEADER } from './errors.js';
export { DECISION_CHANNEL, explain } from './explain.js';
export { colorOf, type FlowType, flowTypeOfColor, formatFlowType, parseFlowType } from './flow-type.js';
export { foreignHeaders, JAEGER_BAGGAGE, saysForeign } from './foreign-headers.js';
export {
  type HeaderValue,
  type Incoming,
  NOTHING_INCOMING,
  parseIncoming,
  readBaggage,
  readFlowHeaders,
  readIncoming,
} from './incoming.js';
export type { Instance } from './instance.js';
export { joinedValues, lastValue } from './joined-values.js';
export { LayeredMap } from './layered-map.js';
export {
  isNewProgress,
  SERVED_EVERY_MS,
  type StandingWait,
  standingWait,
  type ToldProgress,
  withProgress,
} from './leave-progress.js';
export {
  discardHint,
  type LeaveWait,
  type OnLeave,
  waitsAfterFailure,
  waitsElsewhere,
  waitsForBegun,
  waitsForCloser,
  waitsForConsumer,
  waitsForDirectory,
  waitsForDrain,
  waitsForFences,
  waitsForHandler,
  waitsForHanging,
  waitsForMembers,
  waitsForReadableKey,
  waitsForTopics,
} from './leave-wait.js';
export { MEMBERSHIP_PREFIX, membershipKey, parseMembershipKey } from './membership-key.js';
export { type CounterName, count, isCounting } from './metrics.js';
export { MqBoard, type MqSource } from './mq-board.js';
export type {
  MqConsumer,
  MqFences,
  MqHandover,
  MqPartition,
  MqPhase,
  MqStatus,
  MqWaiting,
  MqWork,
} from './mq-status.js';
export { carrierNames, useCarrierNames } from './names-in-force.js';
export { pick, type Weighted } from './pick.js';
export { plainLines, plainText } from './plain-text.js';
export { ColoringPropagator, withIncomingBaggage } from './propagator.js';
export { createRandom } from './random.js';
export { isAddressName, isHost, isServiceName, whyUnusable } from './record-grammar.js';
export { refusal } from './refusal.js';
export type { ReplayStore } from './replay-store.js';
export { RequestsInFlight } from './requests-in-flight.js';
export { route } from './route.js';
export type { Refused, RouteDecision, Routed, RouteReason } from './route-decision.js';
export { ServedServers } from './served-servers.js';
export {
  discardedOf,
  discardingSubscription,
  formatSubscription,
  leavingSubscription,
  parseSubscription,
  type Subscription,
} from './subscription.js';
export {
  idWithoutCluster,
  PULSE_EVERY_MS,
  PULSE_LOST_MS,
  PULSE_PREFIX,
  parseSubscriptionKey,
  pulseKey,
  SUBSCRIPTION_PREFIX,
  type SubscriptionName,
  type SubscriptionTarget,
  subscriptionId,
  subscriptionKey,
  subscriptionPrefix,
} from './subscription-key.js';
export { activeTrail, Trail, trailIn, withTrail } from './trail.js';
export { runUntraced } from './untraced.js';
export { type DirectoryView, type ServiceView, UNANSWERED_VIEW } from './view.js';
export { ViewStore, type ViewStoreOptions } from './view-store.js';
export { formatWanted, MISDIRECTED_HEADER, parseWanted, type Wanted } from './wanted.js';
export { warnOnce } from './warn-once.js';

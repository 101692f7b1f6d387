import type { Color } from '@colorway/core';
import type { OnLeave } from '../../ownership/handover-state.js';
import type { MembershipSetting } from '../consumer/membership.js';
import { BackgroundDrains } from '../leaving/background-drains.js';
import { discardTopic } from '../leaving/discard-topic.js';
import { withdrawTopic } from '../leaving/withdraw-topic.js';
import { HandoverReconciler } from './handover-reconciler.js';

export interface TopicCustodyOptions {
  /** Whether this consumer's handlers may drain what a color without members left behind. Default always. */
  readonly mayDrain?: (color: Color, onLeave: OnLeave) => Promise<boolean>;
  /** A partition of an active color waits for its join fence. */
  readonly attention?: (color: Color) => boolean;
}

/** What a consumer does for its topics beside reading them: changes of state, colors that leave, and their drain. */
export class TopicCustody {
  readonly #setting: MembershipSetting;
  readonly #options: TopicCustodyOptions;
  readonly #reconcilers = new Map<string, HandoverReconciler>();

  constructor(setting: MembershipSetting, options: TopicCustodyOptions = {}) {
    this.#setting = setting;
    this.#options = options;
  }

  /** Ends with the scope of the consumer. */
  start(): void {
    const { coloring, scope, kafka, runtime, admin, leaving, topics, subscribed, session, targetOf } =
      this.#setting;
    scope.signal.throwIfAborted();
    const { attention } = this.#options;
    const drains = this.#drains();
    for (const [topic, handover] of topics) {
      const { fromBeginning = false } = subscribed.get(topic) ?? {};
      const reconciler = new HandoverReconciler({
        ...{ scope, runtime, admin, handover, fromBeginning },
        logId: (known) => session.topicId(topic, known),
        drain: (color, onLeave) => drains.want(color, onLeave),
        draining: (color, onLeave) => drains.standing(color, onLeave),
        ...(attention && { attention }),
      });
      this.#reconcilers.set(topic, reconciler);
      reconciler.start();
      const stop = leaving.serve({
        ...targetOf(topic),
        leave: (work) => withdrawTopic(handover, reconciler, work),
      });
      // At once, for another server of the same target to take over.
      scope.signal.addEventListener('abort', () => void stop(), { once: true });
      scope.defer(stop);
    }
    const stop = leaving.serveDiscards({
      broker: 'kafka',
      leave: (work) => discardTopic({ coloring, scope, kafka, admin, runtime }, work),
    });
    scope.signal.addEventListener('abort', () => void stop(), { once: true });
    scope.defer(stop);
    scope.defer(
      coloring.mq.add(() => ({
        work: [...[...this.#reconcilers.values()].flatMap((one) => one.status()), ...drains.status()],
      })),
    );
  }

  /** Something may be due. */
  look(): void {
    for (const reconciler of this.#reconcilers.values()) reconciler.look();
  }

  /** See `TopicUpkeep.checkLog`. */
  async checkLog(topic: string, color?: Color): Promise<string | undefined> {
    return this.#reconcilers.get(topic)?.checkLog(color);
  }

  #drains(): BackgroundDrains {
    const { coloring, scope, kafka, admin, config, topics, run, turns, policy, leaving, group, targetOf } =
      this.#setting;
    const { groupId: _, ...rest } = config;
    return new BackgroundDrains({
      ...{ coloring, scope, kafka, admin, topics, run, turns, policy, group, config: rest },
      mayDrain: this.#options.mayDrain ?? (() => Promise.resolve(true)),
      isAskedFor: (color) =>
        [...topics.keys()]
          .flatMap((topic) => leaving.subscriptions(targetOf(topic)))
          .some((one) => one.color === color && one.state === 'leaving'),
      onDiscard: (color, { topic, part, messages }) =>
        leaving.discarding(targetOf(topic), color, part, messages),
      onDrained: (color) => {
        for (const reconciler of this.#reconcilers.values()) reconciler.look(color);
      },
    });
  }
}

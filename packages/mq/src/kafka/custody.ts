import type { Color, SubscriptionTarget } from '@colorway/core';
import type { OnLeave } from '../ownership/handover-state.js';
import type { ConsumerSetting } from './consumer-setting.js';
import { Custodian } from './custodian.js';
import { Drains } from './drains.js';
import { leaveTopic } from './leave-topic.js';

export interface CustodyOptions {
  /** Whether this consumer's handlers may drain what a color without members left behind. Default always. */
  readonly mayDrain?: (color: Color, onLeave: OnLeave) => Promise<boolean>;
  /** A partition of an active color waits for its join fence. */
  readonly attention?: (color: Color) => boolean;
}

/** What a consumer does for its topics beside reading them: changes of state, colors that leave, and their drain. */
export class Custody {
  readonly #setting: ConsumerSetting;
  readonly #options: CustodyOptions;
  readonly #custodians: Custodian[] = [];
  readonly #stops: (() => void)[] = [];

  constructor(setting: ConsumerSetting, options: CustodyOptions = {}) {
    this.#setting = setting;
    this.#options = options;
  }

  start(): void {
    const { setting, options } = { setting: this.#setting, options: this.#options };
    const { runtime, admin, leaving, topics, subscribed, group } = setting;
    const drains = this.#drains();
    for (const [topic, handover] of topics) {
      const { fromBeginning = false } = subscribed.get(topic) ?? {};
      const custodian = new Custodian({
        ...{ runtime, admin, handover, fromBeginning },
        drain: (color, onLeave) => drains.wanted(color, onLeave),
        ...(options.attention && { attention: options.attention }),
      });
      this.#custodians.push(custodian);
      custodian.start();
      this.#stops.push(
        leaving.serve({
          ...targetOf(group, topic),
          leave: (work) => leaveTopic(handover, custodian, work),
        }),
      );
    }
  }

  /** Something may be due. */
  look(): void {
    for (const custodian of this.#custodians) custodian.look();
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    for (const custodian of this.#custodians.splice(0)) custodian.stop();
  }

  #drains(): Drains {
    const { coloring, kafka, admin, config, topics, run, failed, leaving, group } = this.#setting;
    const { groupId: _, ...rest } = config;
    return new Drains({
      ...{ coloring, kafka, admin, topics, run, config: rest },
      mayDrain: this.#options.mayDrain ?? (() => Promise.resolve(true)),
      isAskedFor: (color) =>
        [...topics.keys()]
          .flatMap((topic) => leaving.subscriptions(targetOf(group, topic)))
          .some((one) => one.color === color && one.state === 'leaving'),
      onDiscard: (color, { topic, part, messages }) =>
        leaving.discarding(targetOf(group, topic), color, part, messages),
      onFailed: failed,
      onDone: () => this.look(),
    });
  }
}

export function targetOf(group: string, topic: string): SubscriptionTarget {
  return { broker: 'kafka', group, topic };
}

import type { Coloring, MqConsumer, MqHandover, MqPhase, MqStatus, MqWaiting } from '@colorway/core';
import { type Scope, unlessAborted } from '@colorway/core/background';
import { leavingOf } from '../../leaving/index.js';
import type { WithdrawalParts } from '../leaving/withdrawal.js';
import { readersOf } from './queue-readers.js';
import { UnreadCount } from './unread-count.js';

/** What `coloring.mq.status()` tells of one channel's part in one queue. */
export class QueueStatus {
  readonly #coloring: Coloring;
  readonly #parts: WithdrawalParts;
  readonly #queue: string;
  readonly #unread: UnreadCount;

  /** @param scope owns the questions to the broker. */
  constructor(coloring: Coloring, parts: WithdrawalParts, queue: string, scope: Scope) {
    this.#coloring = coloring;
    this.#parts = parts;
    this.#queue = queue;
    const name = parts.mode.ownQueue(queue);
    const look = () => parts.state.side.run((channel) => channel.checkQueue(name));
    this.#unread = new UnreadCount(() => scope.run('unread', (signal) => unlessAborted(signal, look())));
  }

  /** @param ms how long it has been in this phase. */
  now(phase: MqPhase, ms: number): Partial<MqStatus> {
    return { consumers: [this.#consumer(phase, ms)], handovers: this.#handovers() };
  }

  #consumer(phase: MqPhase, ms: number): MqConsumer {
    const { consumers, mode } = this.#parts;
    const brokerGroup = mode.ownQueue(this.#queue);
    const { handled, skipped, reasons } = consumers.tally(this.#queue, brokerGroup);
    return {
      ...{ broker: 'amqp', group: this.#queue, brokerGroup, color: this.#coloring.color },
      // A queue that has left is gone, and asking for it costs a channel.
      ...{ phase, handled, skipped, unread: phase === 'running' ? this.#unread.value() : undefined },
      partitions: [],
      ...this.#waiting(phase, brokerGroup, ms),
      reasons: Object.fromEntries(reasons),
    };
  }

  #waiting(phase: MqPhase, brokerGroup: string, ms: number): { readonly waiting?: MqWaiting } {
    if (phase === 'waiting-for-drain') {
      const remedy =
        `Messages of ${brokerGroup} have to be handled by a consumer of ${this.#queue}: see that one runs and acknowledges; or give ` +
        'them up with withdrawQueue and onLeave: "discard".';
      return { waiting: { for: `what ${brokerGroup} left behind`, ms, remedy } };
    }
    const waiting = phase === 'running' ? this.#parts.state.upkeep.waiting(this.#queue) : undefined;
    return waiting === undefined ? {} : { waiting };
  }

  /** Of every color, told by one channel of the process. */
  #handovers(): readonly MqHandover[] {
    const { consumers, state } = this.#parts;
    if (!readersOf(this.#coloring, state).isFirst(this.#queue, consumers)) return [];
    const { cluster } = state;
    const target = { broker: 'amqp', group: this.#queue, ...(cluster !== undefined && { cluster }) };
    const known = leavingOf(this.#coloring)?.subscriptions(target) ?? [];
    return known.map(({ broker, group, color, state: step }) => ({
      ...{ broker, group, brokerGroup: state.names.colored(group, color), color, state: step },
      ...{ topic: undefined, epoch: undefined, fences: [] },
    }));
  }
}

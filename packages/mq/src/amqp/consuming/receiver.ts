import { type Color, type Coloring, colorOf, type FlowType } from '@colorway/core';
import { type Scope, unlessAborted } from '@colorway/core/background';
import { type Admitted, inAdmitted, messageColor, messageFlow, runInFlow } from '../../message/index.js';
import type { AmqpChannel, AmqpMessage, ConsumeOptions, OnMessage } from '../amqp-channel.js';
import type { Address, Mode } from '../mode.js';
import type { AstrayMessages } from '../sending/astray-messages.js';
import type { Consumer } from './consumer.js';
import type { Deliveries } from './deliveries.js';
import type { ForeignAcks } from './foreign-acks.js';
import type { AmqpPolicy } from './handed-copies.js';
import { markSpan } from './mark-span.js';
import type { Tally } from './tally.js';

export interface ReceiverParts {
  readonly channel: AmqpChannel;
  readonly mode: Mode;
  readonly astray: AstrayMessages;
  readonly deliveries: Deliveries;
  readonly foreign: ForeignAcks;
  readonly scope: Scope;
  /** Who may set a flow type; `undefined` for everybody. */
  readonly policy: AmqpPolicy | undefined;
}

/** What a channel receives: each own message in its context, to its handler; and what is another's, to that one. */
export class Receiver {
  /** The broker has ended a consumer of the application's, by deleting its queue say. */
  onEnd: ((consumer: Consumer) => void) | undefined;
  readonly #coloring: Coloring;
  readonly #parts: ReceiverParts;
  #closed = false;

  constructor(coloring: Coloring, parts: ReceiverParts) {
    this.#coloring = coloring;
    this.#parts = parts;
    parts.channel.once('close', () => {
      this.#closed = true;
    });
  }

  of(consumer: Consumer, tally: Tally): OnMessage {
    const { queue, name, reader, onMessage, options } = consumer;
    const acknowledges = options?.noAck !== true;
    const inHand = this.#parts.deliveries.of(name);
    return (message) => {
      if (message === null) return this.#ended(consumer);
      const { deliveryTag } = message.fields;
      if (consumer.stopping && acknowledges) return this.#parts.channel.nack(message, false, true);
      const { headers } = message.properties;
      const flow = messageFlow(headers, this.#coloring.carriers);
      const color = colorOf(flow);
      const owner = this.#parts.mode.owner(queue, message, color, reader);
      const admitted = owner.kind === 'own' ? this.#parts.policy?.admit(message, flow, queue) : undefined;
      markSpan(name, admitted?.isRefused === true ? undefined : color, owner);
      if (owner.kind === 'foreign') {
        tally.foreign(color, owner.reason);
        if (acknowledges) this.#parts.foreign.add(message);
        return undefined;
      }
      if (acknowledges) this.#parts.deliveries.add(deliveryTag, inHand);
      const handle = (): unknown => {
        tally.own(color, owner.reason);
        const given = admitted ?? this.#parts.policy?.admit(message, flow, queue);
        return this.#handle(message, flow, given, onMessage);
      };
      if (owner.kind === 'own') return handle();
      this.#inBackground(`passing on a message of ${name}`, async () => {
        if (await this.#passOn(message, owner.to, acknowledges)) tally.foreign(color, owner.reason);
        else if (!acknowledges) handle();
        else if (this.#parts.deliveries.has(deliveryTag)) this.#handleOrGiveBack(message, handle);
      });
      return undefined;
    };
  }

  /** Of a queue that has no colors. */
  ofPlain(queue: string, onMessage: OnMessage, options: ConsumeOptions | undefined): OnMessage {
    return (message) => {
      if (message === null) return onMessage(null);
      if (options?.noAck !== true)
        this.#parts.deliveries.add(message.fields.deliveryTag, this.#parts.deliveries.of(undefined));
      const flow = messageFlow(message.properties.headers, this.#coloring.carriers);
      return this.#handle(message, flow, this.#parts.policy?.admit(message, flow, queue), onMessage);
    };
  }

  /** A message as it is given to who took it by hand: it runs in no context, so the message itself tells what counts. */
  given(queue: string, message: AmqpMessage): AmqpMessage {
    const { policy } = this.#parts;
    if (policy === undefined) return message;
    const flow = messageFlow(message.properties.headers, this.#coloring.carriers);
    return policy.admit(message, flow, queue).message;
  }

  #handle(
    message: AmqpMessage,
    flow: FlowType | undefined,
    admitted: Admitted<AmqpMessage> | undefined,
    onMessage: OnMessage,
  ): unknown {
    return admitted === undefined
      ? runInFlow(this.#coloring, message.properties.headers, flow, () => onMessage(message))
      : inAdmitted(this.#coloring, admitted, () => onMessage(admitted.message));
  }

  /** Whether a message that was taken by `get` is for the one who took it; what is not is settled here. */
  async isOurs(
    queue: string,
    message: AmqpMessage,
    reader: Color | undefined,
    options: { noAck?: boolean } | undefined,
    tally: Tally,
  ): Promise<boolean> {
    const color = this.#colorOf(message);
    const owner = this.#parts.mode.owner(queue, message, color, reader);
    const acknowledges = options?.noAck !== true;
    if (owner.kind === 'astray' && (await this.#passOn(message, owner.to, acknowledges))) {
      tally.foreign(color, owner.reason);
      return false;
    }
    if (owner.kind !== 'foreign') {
      tally.own(color, owner.reason);
      return true;
    }
    tally.foreign(color, owner.reason);
    if (acknowledges) this.#settle(message);
    return false;
  }

  /** Resolves to true when nobody has to handle it here. Acknowledged only after the broker has confirmed. */
  async #passOn(message: AmqpMessage, to: Address, acknowledges: boolean): Promise<boolean> {
    const { deliveryTag } = message.fields;
    const release = this.#parts.deliveries.keepBack(deliveryTag);
    const isPassedOn = await this.#parts.astray.passOn(message, to).finally(release);
    // With the connection gone, the broker delivers it again: whoever gets it then decides anew.
    if (acknowledges && this.#closed) return true;
    if (isPassedOn && acknowledges) this.#settle(message);
    return isPassedOn;
  }

  /** When the channel's work has ended, nothing is handled any more. */
  #handleOrGiveBack(message: AmqpMessage, handle: () => unknown): void {
    if (!this.#parts.scope.isDisposed) {
      handle();
      return;
    }
    this.#parts.deliveries.settle(message.fields.deliveryTag, false, true);
    try {
      this.#parts.channel.nack(message, false, true);
    } catch {
      // The channel has closed meanwhile, and the broker delivers it again.
    }
  }

  /** What has begun when the scope ends is done when the broker confirms, or with the channel: it has no timer. */
  #inBackground(what: string, task: () => Promise<void>): void {
    const { scope } = this.#parts;
    const done = task();
    if (scope.isDisposed)
      done.catch(() => {}); // the broker has it still, and nobody is there to be told
    else scope.spawn(what, (signal) => unlessAborted(signal, done));
  }

  /** An application that acknowledges everything up to a later message has settled this one. */
  #settle(message: AmqpMessage): void {
    const { deliveryTag } = message.fields;
    if (!this.#parts.deliveries.has(deliveryTag)) return;
    this.#parts.deliveries.settle(deliveryTag);
    try {
      this.#parts.channel.ack(message);
    } catch {
      // The channel has closed meanwhile, and the broker delivers it again.
    }
  }

  #ended(consumer: Consumer): unknown {
    consumer.reading = false;
    if (consumer.wanted) this.onEnd?.(consumer);
    return undefined;
  }

  #colorOf({ properties }: AmqpMessage): Color | undefined {
    return messageColor(properties.headers, this.#coloring.carriers);
  }
}

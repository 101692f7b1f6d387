import {
  type Color,
  type Coloring,
  ColorwayError,
  colorOf,
  count,
  type FlowType,
  quote,
} from '@colorway/core';
import { type MessageHeaders, propertySays } from './message-color.js';
import { carriersSay, withoutCarriers } from './without-carriers.js';

/**
 * Who may set the flow type in which a message is *handled*: everybody, nobody, or whom a function says. It does not decide
 * *who* handles a message: that follows from the color that the message states, whatever any consumer accepts, so that
 * baseline and colors agree (law 5).
 *
 * A message whose flow type is not accepted is handled without one: its handler works in no color, and is given a copy of the message
 * that says none, in whatever header some propagator reads. Counted (`coloring.flow_type.rejected`).
 *
 * A colored consumer is not asked about its own color: it is there for nothing else.
 */
export type AcceptPolicy<Message> =
  | 'all'
  | 'none'
  /** One that throws, or returns a promise, accepts nothing. */
  | ((message: Message, asked: AskedMessageFlow) => boolean);

/** What a message asks for, as a policy is told it. */
export interface AskedMessageFlow {
  /** `undefined` for a mark of another kind. */
  readonly color: Color | undefined;
  /** The flow type as it would be sent on: `CE_feat-cart`. */
  readonly flowType: string;
  /** Which carrier says so: a message property, or the baggage. */
  readonly source: 'header' | 'baggage';
  /** The topic, or the queue as the baseline names it. */
  readonly destination: string;
}

/** A message as its handler gets it. */
export interface Admitted<Message> {
  /** The one that came, but where it says a flow type that does not count. */
  readonly message: Message;
  /** Its headers. */
  readonly headers: MessageHeaders | undefined;
  readonly flow: FlowType | undefined;
  readonly isRefused: boolean;
}

/** Where the headers of a broker's message are. */
export interface MessageShape<Message> {
  headersOf(message: Message): MessageHeaders | undefined;
  /** A copy; the message may be somebody else's too. */
  withHeaders(message: Message, headers: Record<string, unknown>): Message;
}

/** Decides in which flow type a message is handled that is this consumer's. */
export class MessagePolicy<Message extends object> {
  readonly #coloring: Coloring;
  readonly #accept: Exclude<AcceptPolicy<Message>, 'all'>;
  readonly #shape: MessageShape<Message>;

  constructor(
    coloring: Coloring,
    accept: Exclude<AcceptPolicy<Message>, 'all'>,
    shape: MessageShape<Message>,
  ) {
    this.#coloring = coloring;
    this.#accept = accept;
    this.#shape = shape;
  }

  /** @param flow what the message says, as `messageFlow` reads it. */
  admit(message: Message, flow: FlowType | undefined, destination: string): Admitted<Message> {
    const { carriers } = this.#coloring;
    const headers = this.#shape.headersOf(message);
    if (headers === undefined || headers === null)
      return { message, headers: undefined, flow, isRefused: false };
    const said = carriersSay(headers, carriers, flow);
    if (said === 'nothing') return { message, headers, flow: undefined, isRefused: false };
    if (flow === undefined || !this.#accepts(message, headers, flow, destination)) {
      count('coloring.flow_type.rejected');
      return this.#changed(message, withoutCarriers(headers, carriers), undefined);
    }
    if (said === 'flow') return { message, headers, flow, isRefused: false };
    // A second opinion about the color: whoever reads another carrier than we do must not get it.
    return this.#changed(message, withoutCarriers(headers, carriers, flow), flow);
  }

  #changed(
    message: Message,
    headers: Record<string, unknown>,
    flow: FlowType | undefined,
  ): Admitted<Message> {
    const changed = this.#shape.withHeaders(message, headers);
    return { message: changed, headers, flow, isRefused: flow === undefined };
  }

  #accepts(message: Message, headers: MessageHeaders, flow: FlowType, destination: string): boolean {
    const { color: own, carriers, reporter } = this.#coloring;
    const color = colorOf(flow);
    if (color !== undefined && color === own) return true;
    if (this.#accept === 'none') return false;
    const source = propertySays(headers, color, carriers) ? 'header' : 'baggage';
    try {
      // A promise is not a yes.
      return this.#accept(message, { color, flowType: flow.text, source, destination }) === true;
    } catch (error) {
      reporter.once(
        'COLORWAY_ACCEPT_FAILED',
        `The accept option threw ${quote(error)}. The flow type of a message was not accepted; return false instead of throwing.`,
        'messages',
      );
      return false;
    }
  }
}

/**
 * `undefined` where everything is accepted: then nothing is looked at twice.
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function messagePolicy<Message extends object>(
  coloring: Coloring,
  accept: AcceptPolicy<Message> | undefined,
  shape: MessageShape<Message>,
): MessagePolicy<Message> | undefined {
  if (accept === undefined || accept === 'all') return undefined;
  if (accept === 'none' || typeof accept === 'function') return new MessagePolicy(coloring, accept, shape);
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `accept: ${quote(accept)} is none of: "all", "none", a function (message, { color, source, destination }) => boolean.`,
  );
}

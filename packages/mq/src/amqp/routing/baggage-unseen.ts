import { type Color, quote } from '@colorway/core';
import type { Reporter } from '@colorway/core/background';
import type { WhyNot } from './unclaimed-keys.js';

type Why = WhyNot | 'routing';

const WHY: Readonly<Record<Why, string>> = {
  type: 'of the types of exchanges, only direct, topic, fanout and headers decide alike in two exchanges',
  'type-unknown': 'the type of the exchange is not known, because this user of RabbitMQ may not declare it',
  name: 'the names of queue and exchange are too long together',
  routing:
    'its routing exchanges were built by a version of this library that did not note which keys the baseline has bound',
};

/** Said once for each queue and source: messages that a color would get, and does not. */
export function reportUnseen(
  reporter: Reporter,
  queue: string,
  color: Color | undefined,
  why: Why,
  source?: string,
): void {
  const whose = color === undefined ? 'a color' : `color ${quote(color)}`;
  const where = source === undefined ? '' : ` of exchange ${quote(source)}`;
  reporter.once(
    'COLORWAY_MQ_BAGGAGE_UNSEEN',
    `Messages to queue ${quote(queue)} that name ${whose} in their baggage alone get lost on keys${where} which only colored instances ` +
      `bind: ${WHY[why]}. Bind such a key in the baseline too, which passes on what is the color's; or let the senders set the message property.`,
    source === undefined ? queue : `${queue} ${source}`,
  );
}

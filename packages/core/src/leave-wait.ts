import type { Color } from './color.js';
import type { SubscriptionTarget } from './subscription-key.js';

/** What happens to messages that a color owns and has not handled when it leaves: handled, or thrown away and counted. */
export type OnLeave = 'drain' | 'discard';

/** What the leaving of a group, topic or queue waits for, in words for people. Brokers' adapters say more of them. */
export interface LeaveWait {
  /** Follows 'waits for': `a consumer of GID_order`. `undefined` for nothing: it is being worked on. */
  readonly waitingFor: string | undefined;
  /** What to do about it, in sentences; none where time alone ends the wait. */
  readonly remedy?: string;
}

interface Whose extends SubscriptionTarget {
  readonly service: string;
  readonly color: Color;
  readonly onLeave?: OnLeave;
}

/** Nobody works on it. */
export function waitsForConsumer(whose: Whose): LeaveWait {
  const { group, service, onLeave } = whose;
  const start = `Start a consumer of ${group} (service ${service})`;
  return {
    waitingFor: `a consumer of ${group}`,
    remedy:
      onLeave === 'discard'
        ? `${start}; to discard it needs no handler that works.`
        : `${start}, or ${discardHint(whose)}`,
  };
}

/** Somebody works on it, and has not said more. */
export function waitsForBegun(group: string): LeaveWait {
  return { waitingFor: `the consumers of ${group}, which have begun` };
}

/** They drain. @param brokerGroup the color's group or queue at the broker. */
export function waitsForDrain(brokerGroup: string): LeaveWait {
  return { waitingFor: `the consumers of ${brokerGroup}` };
}

/** They drain nothing, and do not end. */
export function waitsForHanging(whose: Whose, brokerGroup: string, seconds: number | string): LeaveWait {
  return {
    waitingFor: `the consumers of ${brokerGroup}, which have neither settled a message nor ended for ${seconds} s`,
    remedy: `See whether their handlers hang or give messages back, and stop what hangs; or ${discardHint(whose)}`,
  };
}

/** Both sides of a group set a boundary. */
export function waitsForFences(group: string, brokerGroup: string): LeaveWait {
  return { waitingFor: `the consumers of ${group} and ${brokerGroup} to agree where it ends` };
}

/** All is handled, and its members are still there. */
export function waitsForMembers(brokerGroup: string): LeaveWait {
  return { waitingFor: `the consumers of ${brokerGroup} to go` };
}

/** Another process has begun to close it. */
export function waitsForCloser(brokerGroup: string): LeaveWait {
  return { waitingFor: `another process to delete ${brokerGroup}` };
}

/** A group goes with its last topic. */
export function waitsForTopics(brokerGroup: string): LeaveWait {
  return { waitingFor: `the other topics of ${brokerGroup} to leave` };
}

/** The work on it failed, and is tried again. @param hint what mends it, where that is known. */
export function waitsAfterFailure(whose: Whose, reason: string, hint?: string): LeaveWait {
  const mend = hint ?? `See the log of ${whose.service}`;
  return {
    waitingFor: `the next try, since the last one failed: ${reason.slice(0, 300)}`,
    remedy: whose.onLeave === 'discard' ? `${mend}.` : `${mend}, or ${discardHint(whose)}`,
  };
}

/** The application's handler rejects a message that is to be drained, again and again. */
export function waitsForHandler(whose: Whose, reason: string): LeaveWait {
  return {
    waitingFor: `the handler of ${whose.group}, which fails: ${reason.slice(0, 300)}`,
    remedy: `Mend the handler, or ${discardHint(whose)}`,
  };
}

/** A key that another version has written, or nobody of us. */
export function waitsForReadableKey(key: string): LeaveWait {
  return {
    waitingFor: `the directory key ${JSON.stringify(key)} to be readable`,
    remedy: 'A newer version may have written it: upgrade this one, or delete the key.',
  };
}

/** Its broker is another one than those that consumers of its service are connected to, or has another name by now. */
export function waitsElsewhere(whose: Whose): LeaveWait {
  const { group, cluster = '', onLeave } = whose;
  return {
    waitingFor: `a consumer of ${group} at broker ${cluster}, where no consumer was heard of`,
    remedy:
      onLeave === 'discard'
        ? 'Start one there; where that broker is gone, or has another name by now, it ends by itself in a minute.'
        : `Start one there; where that broker is gone, or has another name by now, ${discardHint(whose)}`,
  };
}

/** The directory does not answer. */
export function waitsForDirectory(reason: string): LeaveWait {
  return {
    waitingFor: `the directory, which does not answer: ${reason.slice(0, 300)}`,
    remedy: 'Check that it can be reached; it is asked again.',
  };
}

/** How to end any wait of a color whose messages nobody can handle. */
export function discardHint({ color, service }: Pick<Whose, 'color' | 'service'>): string {
  return `end with --on-leave discard: colorway env withdraw ${color} ${service} --on-leave discard`;
}

/** What a schedule can do. Consumers have names; those of the baseline have no color. */
export type Step =
  /** Starts a consumer's process and waits until it takes part. */
  | {
      readonly do: 'start';
      readonly name: string;
      readonly color?: string;
      readonly handleMs?: number;
      readonly commits?: Commits;
    }
  /** SIGTERM, and waits for the end. */
  | { readonly do: 'stop'; readonly name: string }
  | { readonly do: 'kill'; readonly name: string }
  /** SIGSTOP and SIGCONT. */
  | { readonly do: 'pause'; readonly name: string }
  | { readonly do: 'resume'; readonly name: string }
  /** Ends the consumer and starts it again, in the same process; or only the one or the other. */
  | { readonly do: 'reopen' | 'close' | 'open'; readonly name: string }
  /** RabbitMQ: the broker closes the channel on an error of the application. */
  | { readonly do: 'break-channel'; readonly name: string }
  /** Waits until the hand-over to the color is complete. */
  | { readonly do: 'active'; readonly color: string }
  /** Takes the color out of the one group or queue by the explicit call, drained, and waits for the end of that. */
  | { readonly do: 'leave'; readonly color: string }
  /** Withdraws the service from the color's environment, and waits until its messages are drained. */
  | { readonly do: 'withdraw'; readonly color: string }
  /** Deletes the color's environment, and waits until its messages are drained. */
  | { readonly do: 'delete'; readonly color: string }
  /** How the directory behaves for one consumer: its calls hang and nothing is told, or they fail, or its writes do; `stuck`: calls for a key of the color hang. */
  | { readonly do: 'directory'; readonly name: string; readonly mood: Mood; readonly color?: string }
  /** Waits until the consumers have begun so many writes to the directory from now on: a moment in the middle of a change. */
  | { readonly do: 'written'; readonly times: number }
  /** The directory is gone for everybody (kill -9 of its server, or its folder is moved away), and comes back with its data. */
  | { readonly do: 'directory-gone' }
  | { readonly do: 'directory-back' }
  /** SIGSTOP and SIGCONT to the directory's server. */
  | { readonly do: 'directory-frozen' }
  | { readonly do: 'directory-thawed' }
  /** An operator changes something at the broker, and nobody is told. */
  | { readonly do: 'operate'; readonly act: OperatorAct; readonly color?: string }
  | { readonly do: 'kill-broker' }
  | { readonly do: 'restart-broker' }
  /** Messages go on being sent for so long, and are handled. */
  | { readonly do: 'flow'; readonly ms: number }
  /** Nothing is sent any more, or sending goes on. */
  | { readonly do: 'quiet'; readonly color?: string }
  | { readonly do: 'loud'; readonly color?: string }
  /** Waits until everything that was sent so far, or that of a color, is handled; then a moment for its acknowledgement. */
  | { readonly do: 'settled'; readonly color?: string }
  | { readonly do: 'together'; readonly steps: readonly Step[] }
  /** One after the other; for parts of `together`. */
  | { readonly do: 'in-turn'; readonly steps: readonly Step[] };

export type Mood = 'well' | 'hanging' | 'failing' | 'read-only' | 'stuck';

/**
 * How a Kafka consumer commits: KafkaJS does it after each batch (the default); the application does it by itself, a
 * while after it has handled a message; or it sends a result and the offset in one transaction.
 */
export type Commits = 'deferred' | 'transactional';

/**
 * `remake-topic`: the Kafka topic is deleted and made again. `delete-queue`: the color's queue (the baseline's without
 * one). `delete-routing`: the exchanges that route the queue's messages by color. `deny-deletion`: groups may not be
 * deleted, `allow-deletion`: they may again.
 */
export type OperatorAct =
  | 'remake-topic'
  | 'delete-queue'
  | 'delete-routing'
  | 'deny-deletion'
  | 'allow-deletion';

export interface Scenario {
  readonly title: string;
  /** Colors that messages are sent in, beside none at all. `nobody` has no consumer. */
  readonly colors: readonly string[];
  /** Messages a second, all in all. Default 250. */
  readonly rate?: number;
  readonly steps: readonly Step[];
}

export const start = (name: string, color?: string, handleMs?: number, commits?: Commits): Step => ({
  do: 'start',
  name,
  ...(color !== undefined && { color }),
  ...(handleMs !== undefined && { handleMs }),
  ...(commits !== undefined && { commits }),
});
export const stop = (name: string): Step => ({ do: 'stop', name });
export const kill = (name: string): Step => ({ do: 'kill', name });
export const pause = (name: string): Step => ({ do: 'pause', name });
export const resume = (name: string): Step => ({ do: 'resume', name });
export const reopen = (name: string): Step => ({ do: 'reopen', name });
export const close = (name: string): Step => ({ do: 'close', name });
export const open = (name: string): Step => ({ do: 'open', name });
export const breakChannel = (name: string): Step => ({ do: 'break-channel', name });
export const active = (color: string): Step => ({ do: 'active', color });
export const leave = (color: string): Step => ({ do: 'leave', color });
export const withdraw = (color: string): Step => ({ do: 'withdraw', color });
export const deleteEnvironment = (color: string): Step => ({ do: 'delete', color });
export const directory = (name: string, mood: Mood, color?: string): Step => ({
  do: 'directory',
  name,
  mood,
  ...(color !== undefined && { color }),
});
export const operate = (act: OperatorAct, color?: string): Step => ({
  do: 'operate',
  act,
  ...(color !== undefined && { color }),
});
export const written = (times: number): Step => ({ do: 'written', times });
export const directoryGone: Step = { do: 'directory-gone' };
export const directoryBack: Step = { do: 'directory-back' };
export const directoryFrozen: Step = { do: 'directory-frozen' };
export const directoryThawed: Step = { do: 'directory-thawed' };
export const killBroker: Step = { do: 'kill-broker' };
export const restartBroker: Step = { do: 'restart-broker' };
export const flow = (ms: number): Step => ({ do: 'flow', ms });
export const quiet = (color?: string): Step => ({ do: 'quiet', ...(color !== undefined && { color }) });
export const loud = (color?: string): Step => ({ do: 'loud', ...(color !== undefined && { color }) });
export const settled = (color?: string): Step => ({ do: 'settled', ...(color !== undefined && { color }) });
export const together = (...steps: Step[]): Step => ({ do: 'together', steps });
export const inTurn = (...steps: Step[]): Step => ({ do: 'in-turn', steps });

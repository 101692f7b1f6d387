/** What a script can tell from the exit status alone. */
export const EXIT = {
  /** Done; for `env status`: ready. */
  done: 0,
  /** It could not be done: the directory is away, or it refused. The message says why. */
  failed: 1,
  /** The command, an option or the configuration is wrong. */
  usage: 2,
  /** `env status`: a declared service has nothing alive; `explain`: the call would be refused. */
  notReady: 3,
  /** There is no such environment. */
  unknownEnvironment: 4,
  /** The question was answered with no. */
  declined: 5,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with this status and message, which goes to standard error. */
export class CommandFailure extends Error {
  readonly status: ExitStatus;
  /** A stable string for scripts that read `--json`. */
  readonly code: string;

  constructor(status: ExitStatus, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function usageFailure(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, 'USAGE', message);
}

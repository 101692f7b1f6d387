import type { Server } from 'node:net';
import type { Reporter } from './background/reporter.js';
import type { Scope } from './background/scope.js';
import type { CarrierNames } from './carrier-names.js';
import type { Color } from './color.js';
import type { Directory } from './directory.js';
import type { FlowType } from './flow-type.js';
import type { MqBoard } from './mq-board.js';
import type { RequestsInFlight } from './requests-in-flight.js';
import type { ServedServers } from './served-servers.js';
import type { DirectoryView } from './view.js';

/**
 * One service's part in coloring, made by `createColoring()` of `@colorway/registry` and handed to
 * every middleware and client.
 */
export interface Coloring {
  /** The name of this service. */
  readonly service: string;
  /** The color of this instance; `undefined` in the baseline. */
  readonly color: Color | undefined;
  readonly carriers: CarrierNames;
  /** Whether work without a color of its own takes this instance's color. */
  readonly assumeInstanceColor: boolean;
  readonly inFlight: RequestsInFlight;
  /** The servers that `register()` was given. */
  readonly servers: ServedServers;
  /** Whether `close()` has begun: this instance wants no further requests. Readiness says so. */
  readonly isClosing: boolean;
  readonly contextLoss: ContextLossOption;
  /** How long a call of the directory may wait for its answer, in milliseconds; message consumers keep to it too. */
  readonly directoryTimeoutMs: number;
  /** Where instances and state are kept; message hand-over keeps its fences there. `close()` closes it. */
  readonly directory: Directory;
  /** What the message consumers of this process do: `coloring.mq.status()`. */
  readonly mq: MqBoard;
  /** Owns the background work of the adapters; `close()` disposes it after the drain. */
  readonly scope: Scope;
  /** Says what happens in the background: the `logger` of `createColoring()`, else process warnings. */
  readonly reporter: Reporter;

  /** The flow type that an outgoing call carries now: the active one, else the assumed color of the instance. */
  flowType(): FlowType | undefined;
  /** The color that an outgoing call carries now. */
  activeColor(): Color | undefined;

  /** Notes that a request of this color came: `overview()` then tells when its environment was last used. Costs a map look-up. */
  noteUse(color: Color): void;

  /** The last good view of the directory. */
  view(): DirectoryView;
  /** Milliseconds since the directory was last known to be current; `Infinity` before its first answer. */
  viewAge(): number;
  /**
   * The view as soon as the directory has answered once; waits at most `directoryTimeoutMs`.
   * @throws ColorwayError `COLORWAY_DIRECTORY_UNANSWERED`
   */
  answeredView(signal?: AbortSignal): Promise<DirectoryView>;
  /** Calls the listener after each change, at most once a turn of the event loop. Returns how to stop that. */
  onViewChange(listener: (view: DirectoryView) => void): () => void;

  /** Announces this instance, and declares a colored one a member of its environment. */
  register(options: RegisterOptions): Promise<Registration>;
  /**
   * Declares this service a member of its color's environment, which must exist, and keeps the environment
   * from expiring while this process lives: what a consumer does that serves no requests. Nothing in the
   * baseline, and where the directory has no state half.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`, `COLORWAY_DIRECTORY_FAILED`, `COLORWAY_CLOSED`
   */
  declare(): Promise<void>;
  /**
   * Deregisters, no longer says that it is ready, sends callers away, gives them time to notice, waits for requests
   * in flight, closes servers, clients and the directory. Idempotent; every later use throws `COLORWAY_CLOSED`.
   */
  close(): Promise<void>;
  /** Adds something to close: `drain` before, `release` after the last request was served. Returns how to take it out. */
  onClose(stage: 'drain' | 'release', task: () => Promise<void> | void): () => void;
}

/** What happens when an outgoing call has probably lost its color: counted always, logged with its stack, or nothing. */
export type ContextLossOption = 'count' | 'log' | 'off';

export interface RegisterOptions {
  /** The port that this instance serves on. Default: that of `server`. */
  readonly port?: number;
  /** The address under which others reach it. Default: `COLORING_HOST`, else `127.0.0.1`. */
  readonly host?: string;
  /** A listening server. `close()` sends its callers away, and closes it after the drain. */
  readonly server?: Server;
  /**
   * The service's own readiness check: a function that says true, or a path on its own port that answers 2xx
   * (`/ready`). It is asked, with pauses that grow to a second, before the instance is announced for the first time;
   * slow start counts from its yes. An answer counts as no after 2 seconds. Default: ready at once.
   */
  readonly ready?: string | (() => boolean | Promise<boolean>);
  /** Serves TLS. Default: whether `server` is one of `node:https`, `node:tls` or `http2.createSecureServer`. */
  readonly secure?: boolean;
  /** Share of the traffic relative to its fellows. Default 1. */
  readonly weight?: number;
  /** More metadata for the directory. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Declare the membership of a colored instance. Default true. */
  readonly declare?: boolean;
}

export interface Registration {
  /** The instance's id in the directory. */
  readonly id: string;
  /**
   * `pending` until the directory has taken it, and again while a lost lease is being mended; a directory
   * that is away does not stop a service from starting.
   */
  readonly state: 'pending' | 'registered' | 'closed';
  /** Resolves when the directory has taken the instance. */
  registered(): Promise<void>;
  /** Takes the instance out of the directory and stops its heartbeat. Idempotent. The membership stays. */
  close(): Promise<void>;
}

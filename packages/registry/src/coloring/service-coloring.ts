import type { Server } from 'node:net';
import {
  activeFlowType,
  type CarrierNames,
  type Color,
  type Coloring,
  ColorwayError,
  type ContextLossOption,
  colorOf,
  type Directory,
  type DirectoryView,
  type FlowType,
  flowTypeOfColor,
  MqBoard,
  type RegisterOptions,
  type Registration,
  RequestsInFlight,
  ServedServers,
  type StateStore,
} from '@colorway/core';
import { type Reporter, Scope, withTimeLimit } from '@colorway/core/background';
import { type EnvironmentOverview, Environments, LastUse, overviewOf } from '../environments/index.js';
import { checkAnnounced } from './announced-address.js';
import { type CloseTask, closingStage } from './closing.js';
import { startSweep } from './environment-sweep.js';
import { keepEnvironment, prolong } from './environment-upkeep.js';
import { firstAnswer } from './first-answer.js';
import { instanceRecord } from './instance-record.js';
import { InstanceRegistration } from './instance-registration.js';
import type { ColoringOptions } from './options.js';
import { followPolicy } from './policy-upkeep.js';
import { readyCheck } from './ready-check.js';
import { notice, RegisteredServer } from './registered-server.js';
import { WatchedView } from './watched-view.js';

/** A {@link Coloring} that also manages environments. */
export interface ColoringService extends Coloring {
  /**
   * The environments and memberships of the directory.
   * @throws ColorwayError `COLORWAY_STATE_MISSING` when the directory has no state half; `COLORWAY_CLOSED`.
   */
  readonly environments: Environments;
  /**
   * All environments, by color, with what they contain and how many instances of it are alive: what an entry
   * offers for choice. Also colors that routing obeys without an environment: see `recorded`.
   * @throws ColorwayError as `environments` does; `COLORWAY_DIRECTORY_FAILED`, `COLORWAY_DIRECTORY_UNANSWERED`
   */
  overview(): Promise<readonly EnvironmentOverview[]>;
}

/** How long one step of closing may take that waits for a directory or for idle connections. */
const STEP_MS = 2_000;

type Phase = 'open' | 'closing' | 'closed';
type Stage = 'drain' | 'release';

export class ServiceColoring implements ColoringService {
  readonly service: string;
  readonly color: Color | undefined;
  readonly carriers: CarrierNames;
  readonly assumeInstanceColor: boolean;
  readonly contextLoss: ContextLossOption;
  readonly directoryTimeoutMs: number;
  readonly inFlight = new RequestsInFlight();
  readonly servers = new ServedServers();
  readonly directory: Directory;
  readonly mq: MqBoard;
  readonly reporter: Reporter;
  readonly scope: Scope;

  readonly #options: ColoringOptions;
  readonly #view: WatchedView;
  /** With a time limit for each call; ends with the scope. */
  readonly #state: StateStore | undefined;
  readonly #environments: Environments | undefined;
  readonly #lastUse: LastUse | undefined;
  readonly #assumed: FlowType | undefined;
  readonly #registrations = new Set<InstanceRegistration>();
  readonly #servers = new Map<Server, RegisteredServer>();
  /** A stage that has run is gone: too late for more tasks. */
  readonly #tasks = new Map<Stage, Set<CloseTask>>([
    ['drain', new Set()],
    ['release', new Set()],
  ]);
  /** Extends the environment while anything needs it. */
  #upkeep: Scope | undefined;
  readonly #upkeepNeeds = new Set<object>();
  #phase: Phase = 'open';
  #closing: Promise<void> | undefined;

  constructor(options: ColoringOptions, directory: Directory) {
    const { service, color, carriers, assumeInstanceColor, contextLoss } = options;
    this.service = service;
    this.color = color;
    this.carriers = carriers;
    this.assumeInstanceColor = assumeInstanceColor;
    this.contextLoss = contextLoss;
    this.directoryTimeoutMs = options.directoryTimeoutMs;
    this.reporter = options.reporter;
    this.scope = new Scope(`coloring of ${service}`, { reporter: this.reporter });
    this.mq = new MqBoard(this.reporter);
    this.#options = options;
    this.directory = directory;
    this.#assumed = assumeInstanceColor && color !== undefined ? flowTypeOfColor(color, carriers) : undefined;
    this.#view = new WatchedView(directory, carriers, this.scope);
    if (directory.state !== undefined) {
      const { reporter } = this;
      const { signal } = this.scope;
      const state = withTimeLimit(directory.state, this.directoryTimeoutMs, { signal, keepsAlive: true });
      this.#state = state;
      this.#environments = new Environments(directory.state, {
        declaredBy: service,
        ...{ reporter, timeoutMs: this.directoryTimeoutMs, signal },
      });
      this.#lastUse = new LastUse(state, Date.now, this.scope, () => this.#view.current());
      const environments = this.#environments;
      startSweep(this.scope, state, { environments, view: () => this.view() });
      followPolicy(this.scope, state, this.#view);
    }
  }

  get environments(): Environments {
    this.#mustNotBe('closed');
    if (this.#environments !== undefined) return this.#environments;
    throw stateMissing();
  }

  get isClosing(): boolean {
    return this.#phase !== 'open';
  }

  async overview(): Promise<readonly EnvironmentOverview[]> {
    this.#mustNotBe('closed');
    if (this.#state === undefined) throw stateMissing();
    return overviewOf(this.#state, await this.answeredView());
  }

  flowType(): FlowType | undefined {
    return activeFlowType() ?? this.#assumed;
  }

  activeColor(): Color | undefined {
    return colorOf(this.flowType());
  }

  noteUse(color: Color): void {
    if (this.#phase !== 'closed') this.#lastUse?.note(color);
  }

  view(): DirectoryView {
    this.#mustNotBe('closed');
    return this.#view.current();
  }

  viewAge(): number {
    return this.#view.ageMs();
  }

  async answeredView(signal?: AbortSignal): Promise<DirectoryView> {
    this.#mustNotBe('closed');
    return this.#view.answered(this.directoryTimeoutMs, signal);
  }

  onViewChange(listener: (view: DirectoryView) => void): () => void {
    this.#mustNotBe('closed');
    return this.#view.onChange(listener);
  }

  async register(options: RegisterOptions): Promise<Registration> {
    this.#mustNotBe('closing');
    this.#mustNotBe('closed');
    const record = instanceRecord(this.service, this.color, this.carriers, options);
    checkAnnounced(this.directory.instances, record, this.reporter);
    const ready = readyCheck(options, record);
    const releases: (() => void)[] = [];
    const registration: InstanceRegistration = new InstanceRegistration({
      ...{ record, ready, scope: this.scope.child(`registration of ${record.id}`) },
      onRefused: () => {
        this.#registrations.delete(registration);
        for (const release of releases.splice(0)) release();
      },
      instances: this.directory.instances,
      leaseMs: this.#options.leaseMs,
      callTimeoutMs: this.directoryTimeoutMs,
      prepare: () => (options.declare === false ? Promise.resolve() : this.#declare()),
    });
    this.#registrations.add(registration);
    if (options.declare !== false) releases.push(this.#keepEnvironment(registration));
    releases.push(this.#keepServer(options.server));
    await firstAnswer(registration, this.service, this.directoryTimeoutMs, this.reporter);
    return registration;
  }

  async declare(): Promise<void> {
    this.#mustNotBe('closing');
    this.#mustNotBe('closed');
    const { color } = this;
    const environments = this.#environments;
    if (color === undefined || environments === undefined) return;
    await this.scope.run('declare', async () => {
      await environments.declare(this.service, color);
      // It may be about to expire; the upkeep looks later.
      await prolong(environments, color, this.#options.environment.ttlMs);
    });
    this.#keepEnvironment(this);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  onClose(stage: Stage, task: CloseTask): () => void {
    const tasks = this.#tasks.get(stage);
    if (tasks === undefined) throw closedError(this.service);
    const own: CloseTask = () => task();
    tasks.add(own);
    return () => tasks.delete(own);
  }

  /** Before the instance is announced: nobody may ever see it, lose it again, and find it undeclared (law 2). */
  async #declare(): Promise<void> {
    if (this.color === undefined || this.#environments === undefined) return;
    await this.#environments.ensure(this.color, this.#options.environment);
    await this.#environments.declare(this.service, this.color);
  }

  /** Returns how to say that `who` does not need it any more. */
  #keepEnvironment(who: object): () => void {
    const environments = this.#environments;
    const { ttlMs } = this.#options.environment;
    if (this.color === undefined || environments === undefined || this.isClosing) return () => {};
    this.#upkeepNeeds.add(who);
    if (this.#upkeep === undefined) {
      this.#upkeep = this.scope.child('environment');
      keepEnvironment(this.#upkeep, environments, this.color, ttlMs);
    }
    return () => {
      this.#upkeepNeeds.delete(who);
      if (this.#upkeepNeeds.size > 0) return;
      void this.#upkeep?.dispose();
      this.#upkeep = undefined;
    };
  }

  /** Returns how to give it back to the application. */
  #keepServer(server: Server | undefined): () => void {
    if (server === undefined || this.#servers.has(server)) return () => {};
    const registered = new RegisteredServer(server);
    this.#servers.set(server, registered);
    this.servers.add(server);
    return () => {
      this.#servers.delete(server);
      registered.release();
    };
  }

  async #close(): Promise<void> {
    this.#phase = 'closing';
    void this.#upkeep?.dispose();
    for (const server of this.#servers.values()) server.sendCallersAway();
    const { noticeMs, drainMs } = this.#options.closing;
    const stage = (name: string, ms: number, tasks: readonly CloseTask[]): Promise<void> =>
      closingStage(this.reporter, name, ms, tasks);
    // All other timers let the process end; while it closes it must not.
    const keepAlive = setInterval(() => {}, 60_000);
    try {
      const registrations = [...this.#registrations];
      await Promise.all(registrations.map((registration) => registration.close()));
      if (registrations.some(({ wasTaken }) => wasTaken)) await notice(noticeMs, [...this.#servers.values()]);
      await stage('drain', drainMs, [...this.#takeTasks('drain'), () => this.inFlight.idle()]);
      const servers = Array.from(this.#servers.values(), (server) => () => server.close(STEP_MS));
      await stage('close servers', STEP_MS + 500, servers);
      await stage('release', drainMs, this.#takeTasks('release'));
      await stage('background work', drainMs, [() => this.scope.dispose()]);
      this.#phase = 'closed';
      this.#view.close();
      await stage('close directory', STEP_MS, [() => this.directory.close()]);
    } finally {
      clearInterval(keepAlive);
    }
  }

  #takeTasks(stage: Stage): CloseTask[] {
    const tasks = [...(this.#tasks.get(stage) ?? [])];
    this.#tasks.delete(stage);
    return tasks;
  }

  #mustNotBe(phase: Phase): void {
    if (this.#phase === phase) throw closedError(this.service);
  }
}

function closedError(service: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_CLOSED',
    `The coloring of service "${service}" is closed. Make a new one.`,
  );
}

function stateMissing(): ColorwayError {
  return new ColorwayError(
    'COLORWAY_STATE_MISSING',
    'The directory has no state half, and environments are kept there. Use composeDirectory({ instances, state }).',
  );
}

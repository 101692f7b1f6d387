import { join } from 'node:path';
import { ChangeLog, type CutChanges } from './change-log.js';
import { ConsumerProcess } from './consumer-process.js';
import { Disturbances } from './disturbances.js';
import type { History, Tenure } from './history.js';
import { Journal } from './journal.js';
import type { Load } from './load.js';
import type { Commits, Mood, Scenario, Step } from './schedule.js';
import type { SharedDirectory } from './shared-directory.js';
import { pauseFor, until, untilNoneIsLeft } from './until.js';
import type { World } from './world.js';
import { WriteCount } from './write-count.js';

const STEP_MS = 60_000;
/** Until an acknowledgement has arrived at the broker, as a rule. */
const ACKNOWLEDGED_MS = 1_000;
const STATUS_MS = 5_000;

/** What a scene is made of. */
export interface Stage {
  readonly world: World;
  readonly load: Load;
  readonly directory: SharedDirectory;
  /** Its own. */
  readonly folder: string;
}

/** One scenario while it runs: its processes, and what was done to them. */
export class Scene {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #load: Load;
  readonly #directory: SharedDirectory;
  readonly #journalPath: string;
  readonly #journal: Journal;
  readonly #disturbances = new Disturbances();
  readonly #changes = new ChangeLog();
  readonly #writes = new WriteCount();
  readonly #consumers: ConsumerProcess[] = [];
  readonly #tenures: { color: string; from: number; to?: number }[] = [];
  readonly #leaving = new Set<string>();
  readonly #resumes = new Map<string, (laterMs: number) => void>();
  #brokerIsBack: ((laterMs: number) => void) | undefined;
  unplanned = 0;

  constructor(scenario: Scenario, { world, load, directory, folder }: Stage) {
    this.#scenario = scenario;
    this.#world = world;
    this.#load = load;
    this.#directory = directory;
    this.#journalPath = join(folder, 'journal');
    this.#journal = new Journal(this.#journalPath);
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'start':
        return this.#start(step.name, step.color, step.handleMs, step.commits);
      case 'stop':
        return this.#reassign(this.#of(step.name), 'stopped', (one) => one.end('SIGTERM'));
      case 'reopen':
        return this.#reassign(this.#of(step.name), 'opened again', async (one) => {
          await one.order('close');
          await this.#open(one);
        });
      case 'close':
        return this.#reassign(this.#of(step.name), 'closed', (one) => one.order('close'));
      case 'open':
        return this.#reassign(this.#of(step.name), 'opened', (one) => this.#open(one));
      case 'kill':
        return this.#kill(this.#of(step.name));
      case 'pause':
        return this.#pause(this.#of(step.name));
      case 'resume':
        return this.#resume(this.#of(step.name));
      case 'break-channel':
        return this.#breakChannel(this.#of(step.name));
      case 'active':
        return until(`${step.color} is active`, () => this.#tenure(step.color) !== undefined, STEP_MS);
      case 'leave':
        return this.#leave(step.color, () => this.#world.leave(step.color, this.#present));
      case 'withdraw':
        return this.#leave(step.color, async (signal) => {
          await this.#world.environments.withdraw('stock', step.color, { signal });
        });
      case 'delete':
        return this.#leave(step.color, async (signal) => {
          await this.#world.environments.delete(step.color, { signal });
        });
      case 'directory':
        return this.#setMood(this.#of(step.name), step.mood, step.color);
      case 'operate':
        return this.#world.operate(step.act, step.color);
      case 'written':
        return this.#writes.more(step.times, STEP_MS);
      case 'directory-gone':
        this.#changes.directoryWent();
        return this.#directory.gone();
      case 'directory-back':
        return this.#directory.back();
      case 'directory-frozen':
        this.#changes.directoryWent();
        return this.#directory.freeze();
      case 'directory-thawed':
        return this.#directory.thaw();
      case 'kill-broker':
        this.#brokerIsBack = this.#disturbances.begin(this.#groups, 'the broker was killed', undefined);
        return this.#world.killBroker();
      case 'restart-broker':
        await this.#world.restartBroker();
        return this.#brokerIsBack?.(this.#world.timeoutMs);
      case 'flow':
        return pauseFor(step.ms);
      case 'quiet':
        return this.#load.quiet(step.color);
      case 'loud':
        return this.#load.loud(step.color);
      case 'settled':
        await untilNoneIsLeft('what was sent is handled', () => this.missing(step.color), STEP_MS);
        return pauseFor(ACKNOWLEDGED_MS);
      case 'together':
        await Promise.all(step.steps.map((one) => this.run(one)));
        return;
      case 'in-turn':
        for (const one of step.steps) await this.run(one);
    }
  }

  /** Which joins and leaves the directory left in the middle. */
  get cut(): CutChanges {
    return this.#changes.cut;
  }

  /** How many confirmed messages nobody has handled yet. */
  missing(color?: string): number {
    this.#journal.read();
    const { ids } = this.#journal;
    return this.#load.produced.filter(
      (one) =>
        one.confirmedAt !== undefined && (color === undefined || one.color === color) && !ids.has(one.id),
    ).length;
  }

  /** What the consumers say of themselves, for whoever looks for what went wrong. */
  async statuses(): Promise<Record<string, unknown>> {
    const answers = this.#consumers
      .filter(({ gone, paused }) => !gone && !paused)
      .map(async (one) => {
        const silent = pauseFor(STATUS_MS).then(() => '"does not answer"');
        const told = one.order('status').catch((error: unknown) => JSON.stringify(String(error)));
        return [one.name, JSON.parse(String(await Promise.race([told, silent])))] as const;
      });
    return Object.fromEntries(await Promise.all(answers));
  }

  /** What is known when all has ended. */
  history(): History {
    const { excuses, unplanned } = this.#disturbances.excuses(this.#journal.joined, this.#world.timeoutMs);
    this.unplanned = unplanned.length;
    return {
      produced: this.#load.produced,
      handled: this.#journal.handled,
      excuses,
      crossings: this.#disturbances.crossings(unplanned),
      tenures: this.#tenures as readonly Tenure[],
    };
  }

  /** Ends what still runs, hard. */
  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((one) => one.end('SIGKILL')));
    this.#journal.read();
    this.#journal.close();
  }

  get #groups(): string[] {
    return ['', ...this.#scenario.colors];
  }

  #of(name: string): ConsumerProcess {
    const found = this.#consumers.findLast((one) => one.name === name);
    if (found === undefined) throw new Error(`${this.#scenario.title}: no consumer is called ${name}`);
    return found;
  }

  #tenure(color: string): { to?: number } | undefined {
    return this.#tenures.find((one) => one.color === color && one.to === undefined);
  }

  async #start(name: string, color: string | undefined, handleMs = 2, commits?: Commits): Promise<void> {
    const { script, env } = this.#world;
    const own = {
      DIRECTORY: this.#directory.address,
      JOURNAL: this.#journalPath,
      HANDLE_MS: `${handleMs}`,
      ...(commits !== undefined && { COMMITS: commits }),
    };
    if (color !== undefined) this.#joins(color);
    if (commits !== undefined) this.#disturbances.commitsLate(name, color ?? '');
    const told = {
      active: (at: number) => color !== undefined && this.#isActive(color, at),
      wrote: () => this.#writes.wrote(),
    };
    const consumer = new ConsumerProcess(name, color, script, { ...env, ...own }, told);
    this.#consumers.push(consumer);
    await this.#reassign(consumer, 'started', () => consumer.ready);
  }

  #joins(color: string): void {
    this.#leaving.delete(color);
    if (this.#tenure(color) === undefined) this.#changes.begin('join', color);
  }

  #isActive(color: string, from: number): void {
    if (this.#leaving.has(color) || this.#tenure(color) !== undefined) return;
    this.#tenures.push({ color, from });
    this.#changes.end(color);
    this.#disturbances.joined(color);
  }

  async #reassign(
    consumer: ConsumerProcess,
    what: string,
    task: (consumer: ConsumerProcess) => Promise<unknown>,
  ): Promise<void> {
    const { rebalances, timeoutMs } = this.#world;
    const { name, color } = consumer;
    const group = color ?? '';
    // Alone in its group it takes nothing from anybody, and what it ends in good order it acknowledges (at once, or not).
    const others =
      this.#consumers.some((one) => one !== consumer && one.color === color && !one.gone) ||
      (what !== 'started' && this.#disturbances.isLate(name));
    let over: ((laterMs: number) => void) | undefined;
    if (rebalances) {
      over = others
        ? this.#disturbances.begin([group], `${name} was ${what}`, null)
        : this.#disturbances.enter(group);
    }
    await task(consumer);
    over?.(timeoutMs);
  }

  async #open(consumer: ConsumerProcess): Promise<void> {
    if (consumer.color !== undefined) this.#joins(consumer.color);
    await consumer.order('open');
  }

  async #kill(consumer: ConsumerProcess): Promise<void> {
    const over = this.#disturbances.begin(
      [consumer.color ?? ''],
      `${consumer.name} was killed`,
      consumer.name,
    );
    await consumer.end('SIGKILL');
    over(this.#world.timeoutMs);
  }

  #pause(consumer: ConsumerProcess): void {
    const over = this.#disturbances.begin(
      [consumer.color ?? ''],
      `${consumer.name} was paused`,
      consumer.name,
    );
    this.#resumes.set(consumer.name, over);
    consumer.pause();
  }

  #resume(consumer: ConsumerProcess): void {
    consumer.resume();
    this.#resumes.get(consumer.name)?.(this.#world.timeoutMs);
  }

  async #breakChannel(consumer: ConsumerProcess): Promise<void> {
    const over = this.#disturbances.begin(
      [consumer.color ?? ''],
      `${consumer.name} lost its channel`,
      consumer.name,
    );
    await consumer.order('break-channel');
    over();
  }

  async #setMood(consumer: ConsumerProcess, mood: Mood, color?: string): Promise<void> {
    await consumer.order('directory', { mood, color });
  }

  /** Those that can be told something. */
  get #present(): ConsumerProcess[] {
    return this.#consumers.filter(({ gone, paused }) => !gone && !paused);
  }

  async #leave(color: string, leave: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#leaving.add(color);
    const tenure = this.#tenure(color);
    if (tenure !== undefined) tenure.to = Date.now();
    const over = this.#disturbances.begin([`drain/${color}`], `${color} was drained`, null);
    this.#changes.begin('leave', color);
    const signal = AbortSignal.timeout(STEP_MS);
    for (;;) {
      try {
        await leave(signal);
        break;
      } catch (error) {
        // The broker or the directory is away just now: whoever removes a color tries again.
        if (signal.aborted) throw error;
        await pauseFor(200);
      }
    }
    this.#changes.end(color);
    over(this.#world.timeoutMs);
    this.#disturbances.drained(color);
  }
}

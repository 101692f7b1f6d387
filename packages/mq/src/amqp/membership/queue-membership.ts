import {
  type Color,
  type Coloring,
  count,
  type MqPhase,
  parseSubscription,
  type StateStore,
  type Subscription,
  type SubscriptionTarget,
  subscriptionKey,
} from '@colorway/core';
import { callSafely, type Scope, type StepOutcome, sleep, withTimeLimit } from '@colorway/core/background';
import { joinPlaced, type LeaveWork, type Leaving, leavingOf } from '../../leaving/index.js';
import { brokerIdentity } from '../connection/broker-identity.js';
import type { Consumer } from '../consuming/consumer.js';
import { Withdrawal, type WithdrawalParts } from '../leaving/withdrawal.js';
import { isAway, unknownWhileAway } from './directory-away.js';
import { readersOf } from './queue-readers.js';
import { QueueStatus } from './queue-status.js';
import { restoreQueue } from './restore-queue.js';

const LEAVE_POLL_MS = 200;
const RETRY_MS = 1_000;
const COME_BACK_FAILED = 'COLORWAY_MQ_COME_BACK_FAILED';

/**
 * One channel's part in one queue: it joins as its color, leaves when the membership ends, comes back when it is declared
 * again, and does the leaving for whatever color of this service leaves the queue.
 */
export class QueueMembership {
  readonly #coloring: Coloring;
  readonly #parts: WithdrawalParts;
  readonly #queue: string;
  #target: SubscriptionTarget;
  readonly #leaving: Leaving | undefined;
  readonly #ends: (() => unknown)[] = [];
  readonly #scope: Scope;
  readonly #store: StateStore | undefined;
  #phase: MqPhase = 'starting';
  #since = performance.now();
  #isDetached = false;
  #isServing = false;
  #isClosed = false;
  #joining: Promise<boolean> | undefined;
  #isSettling = false;
  #isUnsettled = false;
  #isKept = false;

  constructor(coloring: Coloring, parts: WithdrawalParts, queue: string) {
    this.#coloring = coloring;
    this.#parts = parts;
    this.#queue = queue;
    this.#target = { broker: 'amqp', group: queue };
    this.#leaving = leavingOf(coloring);
    this.#scope = parts.scope.child(`queue ${queue}`);
    const { state } = coloring.directory;
    this.#store = state && withTimeLimit(state, coloring.directoryTimeoutMs);
    const status = new QueueStatus(coloring, parts, queue, this.#scope);
    this.#ends.push(
      coloring.mq.add(() => status.now(this.#phase, performance.now() - this.#since)),
      readersOf(coloring, parts.state).add(queue, parts.consumers),
    );
  }

  /**
   * Joins, or makes sure of it where that was done before: what the application declares and consumes again may have been
   * deleted meanwhile. False when what the color left behind the last time has to be brought to its end first: its
   * consumers begin to read after that, by themselves.
   * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`, and what {@link Mode.join} throws.
   */
  async join(): Promise<boolean> {
    this.#isDetached = false;
    await this.#joining;
    return await this.#join(true);
  }

  /** The application has declared its queue again. */
  async declared(): Promise<void> {
    if (this.#phase === 'running') await this.#restore();
  }

  /** Whether `get` may take a message here: where the color has left, it does not come back because somebody asks. */
  async joinToGet(): Promise<boolean> {
    const { color } = this.#coloring;
    const leaving = this.#leaving;
    if (color === undefined || leaving === undefined || this.#phase === 'starting') return this.#join();
    if (leaving.subscription(this.#target, color)?.state === 'joined') return this.#join();
    const standing = await this.#subscription();
    if (standing?.state === 'leaving') return false;
    if (this.#phase === 'running' && standing?.state !== 'joined') this.#hasLeft(color);
    return (await this.#mayJoin(color)) && (await this.#join());
  }

  /** Asked by the channel when it closes, or nothing of the application's is left here. */
  close(): void {
    this.#isClosed = true;
    const ended = Promise.all(this.#ends.splice(0).map((end) => end()));
    this.#scope.defer(() => ended);
    void this.#scope.dispose(); // never rejects, and is waited for by the channel's scope
  }

  /** The broker has ended a consumer. It is the color's leaving, or else the application is told. */
  onEnd(consumer: Consumer): void {
    if (!this.#scope.isDisposed) this.#scope.spawn('a consumer that was ended', () => this.#ended(consumer));
  }

  async #ended(consumer: Consumer): Promise<void> {
    const { color } = this.#coloring;
    // Its queue was deleted.
    this.#parts.state.upkeep.look(this.#queue);
    const standing = await this.#subscription().catch(unknownWhileAway);
    if (this.#leaving !== undefined && color !== undefined && standing?.state !== 'joined') {
      this.settle();
      return;
    }
    consumer.wanted = false;
    callSafely(this.#coloring.reporter, 'A consumer', () => consumer.onMessage(null));
  }

  /** Looks whether consumers that are wanted and do not read may: those of a color that waits, or has left and is declared again. */
  settle(): void {
    this.#isUnsettled = true;
    if (this.#isSettling || this.#scope.isDisposed) return;
    this.#isSettling = true;
    this.#scope.spawn('coming back', async (signal) => {
      while (this.#isUnsettled && !signal.aborted) await this.#tryToComeBack(signal);
      this.#isSettling = false;
    });
  }

  async #tryToComeBack(signal: AbortSignal): Promise<void> {
    const { reporter } = this.#coloring;
    const subject = `coming back to queue ${this.#queue}`;
    this.#isUnsettled = false;
    try {
      await this.#comeBack();
      reporter.working(COME_BACK_FAILED, subject);
    } catch (error) {
      if (signal.aborted) return;
      reporter.failing(COME_BACK_FAILED, subject, error);
      await sleep(RETRY_MS, signal);
      this.#isUnsettled = true;
    }
  }

  #join(again = false): Promise<boolean> {
    this.#joining ??= this.#joinOnce(again).finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  async #joinOnce(again: boolean): Promise<boolean> {
    if (this.#isClosed || (this.#phase === 'running' && !again)) return true;
    const wasRunning = this.#phase === 'running';
    // Servers of a queue of this name at another broker leave it alone then.
    const cluster = await brokerIdentity(this.#parts.state);
    if (cluster !== undefined) this.#target = { ...this.#target, cluster };
    const recorded = await this.#record();
    const phase = recorded === 'running' ? await this.#joinAtBroker(wasRunning) : recorded;
    this.#enter(phase);
    this.#serve();
    return phase === 'running';
  }

  /**
   * A consumer that had joined reconnects while the directory is away: what it knows is its last good view. One whose
   * membership ended meanwhile does not bring it back.
   */
  async #record(): Promise<MqPhase> {
    const { color } = this.#coloring;
    const leaving = this.#leaving;
    if (leaving === undefined || color === undefined) return 'running';
    const { known } = readersOf(this.#coloring, this.#parts.state);
    try {
      if (known.has(this.#queue) && !(await leaving.isMember(color))) return 'left';
      const { outcome, target } = await joinPlaced(leaving, this.#target);
      this.#target = target;
      return outcome === 'joined' ? 'running' : 'waiting-for-drain';
    } catch (error) {
      if (isAway(error) && known.get(this.#queue) === 'joined') return 'running';
      throw error;
    }
  }

  async #joinAtBroker(wasRunning: boolean): Promise<MqPhase> {
    const { color } = this.#coloring;
    await this.#parts.mode.join(this.#queue);
    if (color === undefined) return 'running';
    const isConfirmed = await this.#leaving?.confirm([this.#target]).catch(unknownWhileAway);
    if (isConfirmed === false) {
      // The membership was ended meanwhile: whoever did it may have found nothing at the broker yet.
      this.#hasLeft(color);
      return 'waiting-for-drain';
    }
    readersOf(this.#coloring, this.#parts.state).known.set(this.#queue, 'joined');
    if (!wasRunning) this.#countStep(color, 'joined');
    return 'running';
  }

  async #restore(): Promise<StepOutcome> {
    if (this.#phase !== 'running') return { kind: 'settled' };
    return await restoreQueue(this.#parts, this.#queue, () => this.#isJoined());
  }

  /** With the directory away, as it was known last. */
  async #isJoined(): Promise<boolean> {
    if (this.#coloring.color === undefined || this.#leaving === undefined) return true;
    try {
      return (await this.#subscription())?.state === 'joined';
    } catch (error) {
      if (!isAway(error)) throw error;
      return readersOf(this.#coloring, this.#parts.state).known.get(this.#queue) === 'joined';
    }
  }

  #serve(): void {
    const leaving = this.#leaving;
    if (this.#isClosed) return;
    if (!this.#isKept && this.#parts.mode.restore !== undefined) {
      this.#isKept = true;
      const { upkeep } = this.#parts.state;
      this.#ends.push(upkeep.keep({ queue: this.#queue, restore: () => this.#restore() }));
    }
    if (leaving === undefined || this.#isServing) return;
    this.#isServing = true;
    this.#ends.push(
      leaving.serve({ ...this.#target, mayBeRenamed: true, leave: (work) => this.#leave(work) }),
    );
    if (this.#coloring.color !== undefined) this.#ends.push(leaving.onChange(() => this.settle()));
  }

  async #leave(work: LeaveWork): Promise<void> {
    const isOwn = work.color === this.#coloring.color;
    const withdrawal = new Withdrawal(this.#parts, this.#queue, work.color, {
      signal: work.signal,
      pollMs: LEAVE_POLL_MS,
      whose: work.subscription,
      isPatient: true,
      isLeaving: () => work.isLeaving(),
      onDrain: (left) => work.progress(left),
      onDiscard: (messages) => work.discarding(0, messages),
    });
    try {
      if (work.onLeave === 'discard') await withdrawal.discard();
      else await withdrawal.drain();
      this.#countStep(work.color, 'left');
    } finally {
      if (isOwn) this.settle();
    }
  }

  async #comeBack(): Promise<void> {
    const { color } = this.#coloring;
    const { consumers } = this.#parts;
    const idle = () => consumers.wanted(this.#queue).filter(({ reading }) => !reading);
    if (color === undefined || this.#isClosed || idle().length === 0) return;
    const standing = await this.#subscription();
    if (standing?.state === 'leaving') return;
    if (this.#phase === 'running') this.#hasLeft(color);
    if (!(await this.#mayJoin(color)) || !(await this.#join())) return;
    for (const consumer of idle()) await consumers.read(consumer);
  }

  /** One that has left comes back when its color contains the service again, unless it was taken out by its name. */
  async #mayJoin(color: Color): Promise<boolean> {
    if (this.#phase !== 'left') return true;
    this.#isDetached ||= (await this.#leaving?.isDetached([this.#target], color)) === true;
    return !this.#isDetached && (await this.#leaving?.isMember(color)) === true;
  }

  #hasLeft(color: Color): void {
    this.#parts.mode.left(this.#queue, color);
    readersOf(this.#coloring, this.#parts.state).known.set(this.#queue, 'left');
    this.#enter('left');
  }

  async #subscription(color: Color | undefined = this.#coloring.color): Promise<Subscription | undefined> {
    const { service } = this.#coloring;
    if (color === undefined) return undefined;
    const entry = await this.#store?.get(subscriptionKey({ service, color, ...this.#target }));
    return entry && parseSubscription(entry);
  }

  #countStep(color: Color, step: 'joined' | 'left'): void {
    const names = { 'coloring.group': this.#queue, 'coloring.topic': this.#queue };
    count('coloring.mq.handover', { ...names, 'coloring.color': color, 'coloring.step': step });
  }

  #enter(phase: MqPhase): void {
    if (phase !== this.#phase) this.#since = performance.now();
    this.#phase = phase;
  }
}

import {
  type Color,
  type LeaveWait,
  type MqWork,
  waitsForCloser,
  waitsForDrain,
  waitsForFences,
  waitsForMembers,
  waitsForReadableKey,
  waitsForTopics,
} from '@colorway/core';
import { Reconciler, type Scope, type StepOutcome } from '@colorway/core/background';
import { type EpochStep, type Left, messagesLeft } from '../../ownership/epoch-step.js';
import { stateKey } from '../../ownership/handover-keys.js';
import { activate, claimClosing, type OnLeave, startDraining } from '../../ownership/handover-state.js';
import type { GroupAdmin } from '../group-admin.js';
import type { MqRuntime } from '../mq-runtime.js';
import { type Closers, closeEpoch, lookAtEpoch, replaceDeadCloser } from './epoch-work.js';
import type { LogId } from './renew-handover.js';
import type { TopicHandover } from './topic-handover.js';
import { TopicUpkeep } from './topic-upkeep.js';

/** How soon what the directory does not tell of is looked at again, and how seldom when it goes on for long. */
const SOON_MS = 250;
const SELDOM_MS = 5_000;
/** A drain that goes on: so often people are told how far it is. */
const DRAIN_MS = 1_000;
/** The key of the topic's upkeep; not a color. */
const UPKEEP = 'the topic itself';
/** A color that needs something is a key, so there is nothing to find in an idle look. */
const IDLE_MS = 60_000;

/** What this process does about messages that a color without members left behind. */
export interface DrainStanding extends LeaveWait {
  /** `not-ours`: somebody else has the handlers, or does it already. */
  readonly kind: 'ours' | 'not-ours';
}

/** How far one color's leave of one topic is, for people. */
export interface LeaveProgress {
  readonly remaining?: number;
  readonly waitingFor?: string;
  readonly remedy?: string;
}

/** When a color is looked at again, and what it waits for. */
interface Wait {
  readonly afterMs: number;
  readonly waitingFor?: string | undefined;
  readonly remedy?: string;
}

export interface HandoverReconcilerOptions {
  readonly scope: Scope;
  readonly runtime: MqRuntime;
  readonly admin: GroupAdmin;
  readonly handover: TopicHandover;
  /** Where a baseline group without a committed offset would start. */
  readonly fromBeginning: boolean;
  /** The id of the topic as it is now, where that can be known. */
  readonly logId?: LogId;
  /** Messages are left below the leave fences, and the colored group has no members. */
  readonly drain?: (color: Color, onLeave: OnLeave, left: readonly Left[]) => Promise<DrainStanding>;
  /** What this process does about them already, if anything: its own drain is a member of the colored group too. */
  readonly draining?: (color: Color, onLeave: OnLeave) => DrainStanding | undefined;
  /** A color that is active and needs a look all the same: a partition of it waits for its join fence. */
  readonly attention?: (color: Color) => boolean;
}

/**
 * The work on one topic that belongs to no member: changes of state, and fences of groups without members. Every
 * process does it for the topics that it reads, several at once: the directory lets one through. Each color is
 * reconciled by itself, when the directory tells of a change and after a pause; at rest nobody is asked anything.
 */
export class HandoverReconciler {
  readonly #options: HandoverReconcilerOptions;
  readonly #reconciler: Reconciler<Color | typeof UPKEEP>;
  readonly #listeners = new Set<(color: Color, progress: LeaveProgress) => void>();
  /** Since when each color is in its state. */
  readonly #since = new Map<Color, { readonly state: string; readonly at: number }>();
  /** For whose closing each color waits. */
  readonly #closers: Closers = new Map();
  readonly #upkeep: TopicUpkeep;

  constructor(options: HandoverReconcilerOptions) {
    this.#options = options;
    this.#upkeep = new TopicUpkeep(options);
    const { scope, handover } = options;
    const { group, topic } = handover;
    this.#reconciler = new Reconciler({
      scope,
      name: `hand-over of ${group}, topic ${topic}`,
      keys: () => this.#pending(),
      step: (key) => (key === UPKEEP ? this.#keepUp() : this.#step(key)),
      idleMs: IDLE_MS,
    });
  }

  start(): void {
    const { scope, handover } = this.#options;
    let seen = handover.table.colors;
    scope.defer(
      handover.onChange(() => {
        const now = handover.table.colors;
        for (const [color, fences] of now) if (seen.get(color) !== fences) this.#reconciler.look(color);
        for (const color of seen.keys()) {
          if (now.has(color)) continue;
          this.#since.delete(color);
          this.#closers.delete(color);
        }
        seen = now;
      }),
    );
    this.look();
  }

  /** Something may be due. */
  look(color?: Color): void {
    this.#reconciler.look(color);
  }

  /** See `TopicUpkeep.checkLog`. */
  checkLog(color?: Color): Promise<string | undefined> {
    return this.#upkeep.checkLog(color);
  }

  /** Tells the listener of each look at a color that is under way. Returns how to stop that. */
  onProgress(listener: (color: Color, progress: LeaveProgress) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): MqWork[] {
    const { group, topic } = this.#options.handover;
    const name = `hand-over of ${group}, topic ${topic}`;
    return this.#reconciler.status().map((key) => ({ ...key, broker: 'kafka', name }));
  }

  *#pending(): Iterable<Color | typeof UPKEEP> {
    const { handover, attention } = this.#options;
    yield UPKEEP;
    for (const [color, { handover: state }] of handover.table.colors) {
      const { kind } = state;
      if (kind === 'joining' || kind === 'leaving' || kind === 'draining') yield color;
      else if (kind === 'active' && attention?.(color)) yield color;
    }
  }

  async #keepUp(): Promise<StepOutcome> {
    await this.#upkeep.work();
    return { kind: 'again', afterMs: this.#upkeep.dueInMs };
  }

  async #step(color: Color): Promise<StepOutcome> {
    const { handover, runtime, admin, fromBeginning } = this.#options;
    await handover.refresh(color);
    const step = await lookAtEpoch({ handover, runtime, admin, fromBeginning }, color);
    const { afterMs, waitingFor, remedy } = await this.#take(color, step);
    const remaining = remainingOf(step);
    const progress: LeaveProgress = {
      ...(remaining !== undefined && { remaining }),
      ...(waitingFor !== undefined && { waitingFor }),
      ...(remedy !== undefined && { remedy }),
    };
    for (const listener of [...this.#listeners]) listener(color, progress);
    if (waitingFor === undefined) return { kind: 'again', afterMs };
    return {
      kind: 'again',
      afterMs,
      waitingFor: remedy === undefined ? waitingFor : `${waitingFor}. ${remedy}.`,
    };
  }

  async #take(color: Color, step: EpochStep): Promise<Wait> {
    const { handover, runtime, admin, drain, draining } = this.#options;
    const { by } = runtime;
    const { group } = handover;
    const coloredGroup = handover.coloredGroup(color);
    const state = handover.table.colors.get(color)?.handover;
    switch (step.kind) {
      case 'none':
        return { afterMs: this.#patience(color, 'none') };
      case 'activate':
        await handover.transition(color, (standing) => activate(standing, step.epoch));
        return SOON;
      case 'start-draining':
        await handover.transition(color, (standing) => startDraining(standing, step.epoch));
        return SOON;
      case 'drain': {
        if (state?.kind !== 'draining') return SOON;
        const own = draining?.(color, state.onLeave);
        if (own === undefined && step.by === 'members')
          return { ...waitsForDrain(coloredGroup), afterMs: DRAIN_MS };
        const standing = own ?? (await drain?.(color, state.onLeave, step.left));
        const { kind, ...wait } = standing ?? waitsForConsumer(group, handover.topic);
        return { ...wait, afterMs: kind === 'ours' ? DRAIN_MS : SELDOM_MS };
      }
      case 'claim-closing':
        await handover.transition(color, (standing) => claimClosing(standing, step.epoch, by));
        return SOON;
      case 'delete-group-and-close':
        if (await closeEpoch({ handover, runtime, admin }, color, step.epoch)) {
          await this.#upkeep.left(color);
          this.look(UPKEEP);
          return SOON;
        }
        return this.#waits(color, step.kind, waitsForTopics(coloredGroup));
      case 'wait':
        if (step.for === 'other-closer') await replaceDeadCloser({ handover, runtime }, color, this.#closers);
        return this.#waits(
          color,
          step.for,
          waitsFor(step.for, group, coloredGroup, stateKey(handover.prefix, color)),
        );
    }
  }

  #waits(color: Color, reason: string, wait: LeaveWait): Wait {
    return { ...wait, afterMs: this.#patience(color, reason) };
  }

  /** Half as long as it has waited already: a wait costs ever less, and its end is noticed soon all the same. */
  #patience(color: Color, reason: string): number {
    const now = performance.now();
    const state = this.#options.handover.table.colors.get(color)?.handover;
    const mark = `${state?.kind} ${state !== undefined && 'epoch' in state ? state.epoch : ''} ${reason}`;
    const known = this.#since.get(color);
    if (known?.state !== mark) this.#since.set(color, { state: mark, at: now });
    const waited = known?.state === mark ? now - known.at : 0;
    return Math.min(SELDOM_MS, Math.max(SOON_MS, waited / 2));
  }
}

/** The directory tells of what was written, so this is for a lost message of it. */
const SOON: Wait = { afterMs: DRAIN_MS };

/** Nobody here has the handlers. */
export function waitsForConsumer(group: string, topics: string): DrainStanding {
  return {
    kind: 'not-ours',
    waitingFor: `a consumer of ${group}`,
    remedy: `Start a consumer of ${group} that reads ${topics}, or end with --on-leave discard`,
  };
}

function remainingOf(step: EpochStep): number | undefined {
  if (step.kind === 'drain') return messagesLeft(step.left);
  if (step.kind !== 'wait') return undefined;
  return step.for === 'members-to-leave' || step.for === 'other-closer' ? 0 : undefined;
}

function waitsFor(
  what: Extract<EpochStep, { kind: 'wait' }>['for'],
  group: string,
  coloredGroup: string,
  key: string,
): LeaveWait {
  switch (what) {
    case 'fences':
      return waitsForFences(group, coloredGroup);
    case 'members-to-leave':
      return waitsForMembers(coloredGroup);
    case 'other-closer':
      return waitsForCloser(coloredGroup);
    case 'readable-entry':
      return waitsForReadableKey(key);
  }
}

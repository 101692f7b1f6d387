import { type Color, ColorwayError } from '@colorway/core';
import { within } from '@colorway/core/background';
import { handoverOpen } from '../../ownership/handover-state.js';
import type { KeptProgress } from '../../ownership/kept-progress.js';
import { keepProgress, progressToKeep } from '../../ownership/progress.js';
import type { MembershipSetting } from '../consumer/membership.js';
import type { GroupAdmin } from '../group-admin.js';
import type { TopicHandover } from './topic-handover.js';

/** While a color's group has members its offsets do not expire; so seldom they are kept all the same. */
const WITH_MEMBERS_MS = 6 * 3_600_000;

/** A consumer that stops waits no longer for it. */
const STOP_MS = 3_000;

/** When a color's group was last asked for its offsets, and what it was like then. */
interface Look {
  readonly epoch: number;
  readonly empty: boolean;
  readonly at: number;
  readonly progress: KeptProgress | undefined;
}

/**
 * Keeps in the directory how far the colors of a topic have committed: a broker forgets the offsets of a group that has
 * had no members for a while (`offsets.retention.minutes`), and an operator may delete it. While a group has no members
 * its offsets stand, so it is asked for them once.
 */
export class ProgressKeeper {
  readonly #handover: TopicHandover;
  readonly #admin: GroupAdmin;
  readonly #looks = new Map<Color, Look>();

  constructor(handover: TopicHandover, admin: GroupAdmin) {
    this.#handover = handover;
    this.#admin = admin;
  }

  /** One question about all colors of the topic, and one more for each that is due. */
  async work(): Promise<void> {
    const { coloredGroup, table } = this.#handover;
    for (const color of this.#looks.keys()) if (!table.colors.has(color)) this.#looks.delete(color);
    const open = [...table.colors.values()].flatMap(({ color, handover }) =>
      handover.kind !== 'unreadable' && handoverOpen(handover) ? [{ color, state: handover }] : [],
    );
    if (open.length === 0) return;
    const empty = await this.#admin.withoutMembers(open.map(({ color }) => coloredGroup(color)));
    const errors: unknown[] = [];
    for (const { color, state } of open) {
      const { epoch, progress } = state;
      const look = { epoch, empty: empty.has(coloredGroup(color)), at: performance.now(), progress };
      try {
        await this.#look(color, look);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  async #look(color: Color, look: Look): Promise<void> {
    const found = this.#looks.get(color);
    const last = found?.epoch === look.epoch ? found : undefined;
    // Where somebody else has kept it meanwhile, the time begins anew.
    const isFresh = last !== undefined && last.empty === look.empty && last.progress === look.progress;
    const isDue = look.empty ? !last?.empty : isFresh && look.at - last.at >= WITH_MEMBERS_MS;
    if (isDue) await keepProgressOf(this.#handover, this.#admin, color);
    if (isDue || !isFresh) this.#looks.set(color, look);
  }
}

/** Keeps how far a color's group has committed in the topic, if that has moved. */
export async function keepProgressOf(
  handover: TopicHandover,
  admin: GroupAdmin,
  color: Color,
): Promise<void> {
  const fences = handover.table.colors.get(color);
  if (fences === undefined || fences.handover.kind === 'unreadable' || !handoverOpen(fences.handover)) return;
  const { epoch } = fences.handover;
  const committed = await admin.committed(handover.coloredGroup(color), handover.topic);
  const progress = progressToKeep(fences, committed);
  if (progress !== undefined)
    await handover.transition(color, (standing) => keepProgress(standing, epoch, progress));
}

/**
 * A consumer of the color that stops in good order keeps it at once: it may be the last process of the service that
 * looks before the offsets are gone.
 *
 * @param hasGroup whether it is a member of its group, asked when the stop begins. One that is not has lost its broker.
 */
export function keepProgressAtStop(
  { scope, topics, admin }: Pick<MembershipSetting, 'scope' | 'topics' | 'admin'>,
  color: Color,
  hasGroup: () => boolean,
): void {
  let had = false;
  scope.signal.addEventListener('abort', () => (had = hasGroup()), { once: true });
  // After the client was stopped, which commits what it owes.
  scope.defer(async () => {
    if (!had) return;
    const kept = Promise.all([...topics.values()].map((handover) => keepProgressOf(handover, admin, color)));
    const late = () =>
      new ColorwayError('COLORWAY_BROKER_SILENT', `The offsets of ${color} were not kept in time.`);
    // Whoever serves the topic next sees the group without members, and keeps it then.
    await within(STOP_MS, kept, late).catch(() => {});
  });
}

import { quote } from '@colorway/core';
import type { LeaveProgress } from '@colorway/registry';
import { CommandFailure, EXIT } from '../exit-status.js';
import type { Session } from '../session.js';
import { leaveLine } from './leave-line.js';
import { notYours, sure } from './sure.js';

export interface LeaveOptions {
  readonly onLeave: 'drain' | 'discard';
  readonly reason?: string;
  readonly yes?: true;
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

export async function deleteEnvironment(
  session: Session,
  color: string,
  { onLeave, reason, yes, wait }: LeaveOptions,
): Promise<void> {
  const { coloring, output, signal, user } = session;
  const whose = notYours(await coloring.environments.get(color), user);
  const services = (await coloring.environments.memberships(color)).map(({ service }) => service);
  const leaving = await coloring.environments.leaving(color);
  const contents = contentsOf(services, leaving);
  await sure(session, yes, `End environment ${color}? ${contents} ${FATE[onLeave]} ${whose}`.trimEnd());
  const { deleted, discarded } = await coloring.environments.delete(color, {
    onLeave,
    wait,
    signal,
    by: user,
    ...(reason !== undefined && { reason }),
    onProgress: (progress) => report(session, progress),
  });
  if (!deleted && leaving.length === 0 && services.length === 0) {
    throw new CommandFailure(
      EXIT.unknownEnvironment,
      'COLORWAY_ENVIRONMENT_UNKNOWN',
      `There is no environment ${quote(color)}.`,
    );
  }
  const before = services.length > 0 ? 'had no record; its memberships are removed' : 'had ended before';
  const ended = deleted ? 'has ended' : before;
  output.answer(
    { color, deleted, discarded },
    () => `Environment ${color} ${ended}.${fate(color, wait, discarded)}`,
  );
}

function contentsOf(services: readonly string[], leaving: readonly LeaveProgress[]): string {
  const members = services.length > 0 ? `It contains ${services.join(', ')}.` : 'It contains nothing.';
  const names = new Set(leaving.map(({ service }) => service));
  return names.size === 0 ? members : `${members} Messages of ${[...names].join(', ')} still leave.`;
}

export async function withdrawService(
  session: Session,
  color: string,
  service: string,
  { onLeave, reason, yes, wait }: LeaveOptions,
): Promise<void> {
  const { coloring, output, signal, user } = session;
  const whose = notYours(await coloring.environments.get(color), user);
  const leaving = await coloring.environments.leaving(color, service);
  await sure(
    session,
    yes,
    `Take ${service} out of environment ${color}? ${FATE[onLeave]} ${whose}`.trimEnd(),
  );
  const { withdrawn, discarded } = await coloring.environments.withdraw(service, color, {
    onLeave,
    wait,
    signal,
    by: user,
    ...(reason !== undefined && { reason }),
    onProgress: (progress) => report(session, progress),
  });
  output.answer({ color, service, withdrawn, discarded }, () => {
    if (withdrawn)
      return `Environment ${color} no longer contains ${service}.${fate(color, wait, discarded)}`;
    const before = `Environment ${color} did not contain ${service}`;
    return leaving.length === 0 ? `${before}.` : `${before} any more.${fate(color, wait, discarded)}`;
  });
}

const FATE = {
  drain: 'Its unread messages are handled first.',
  discard: 'ITS UNREAD MESSAGES ARE THROWN AWAY.',
} as const;

function report({ output }: Session, progress: LeaveProgress): void {
  output.progress(progress, (shown) => leaveLine(shown, Date.now()));
}

function fate(color: string, wait: boolean, discarded: number): string {
  if (!wait) return ` Its messages leave meanwhile; colorway env status ${color} says how far they are.`;
  return discarded > 0 ? ` ${discarded} messages were thrown away.` : '';
}

import { CommandFailure, EXIT } from '../exit-status.js';
import type { Session } from '../session.js';

export interface LeaveOptions {
  readonly onLeave: 'drain' | 'discard';
  readonly yes?: true;
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

export async function deleteEnvironment(
  session: Session,
  color: string,
  { onLeave, yes, wait }: LeaveOptions,
): Promise<void> {
  const { coloring, output, signal } = session;
  const services = (await coloring.environments.memberships(color)).map(({ service }) => service);
  const contents = services.length > 0 ? `It contains ${services.join(', ')}.` : 'It contains nothing.';
  await sure(session, yes, `End environment ${color}? ${contents} ${FATE[onLeave]}`);
  const { deleted, discarded } = await coloring.environments.delete(color, {
    onLeave,
    wait,
    signal,
    onProgress: (progress) => tell(session, progress),
  });
  if (!deleted) {
    throw new CommandFailure(
      EXIT.unknownEnvironment,
      'COLORWAY_ENVIRONMENT_UNKNOWN',
      `There is no environment ${JSON.stringify(color)}.`,
    );
  }
  output.answer(
    { color, deleted, discarded },
    () => `Environment ${color} has ended.${fate(wait, discarded)}`,
  );
}

export async function withdrawService(
  session: Session,
  color: string,
  service: string,
  { onLeave, yes, wait }: LeaveOptions,
): Promise<void> {
  const { coloring, output, signal } = session;
  await sure(session, yes, `Take ${service} out of environment ${color}? ${FATE[onLeave]}`);
  const { withdrawn, discarded } = await coloring.environments.withdraw(service, color, {
    onLeave,
    wait,
    signal,
    onProgress: (progress) => tell(session, progress),
  });
  output.answer({ color, service, withdrawn, discarded }, () =>
    withdrawn
      ? `Environment ${color} no longer contains ${service}.${fate(wait, discarded)}`
      : `Environment ${color} did not contain ${service}.`,
  );
}

const FATE = {
  drain: 'Its unread messages are handled first.',
  discard: 'ITS UNREAD MESSAGES ARE THROWN AWAY.',
} as const;

interface Progress {
  readonly service: string;
  readonly group: string;
  readonly topic?: string | undefined;
  readonly state: string;
  readonly remaining?: number | undefined;
  readonly waitingFor?: string | undefined;
}

function tell({ output }: Session, progress: Progress): void {
  output.progress(progress, () => {
    const { service, group, topic, state, remaining, waitingFor } = progress;
    const left = remaining === undefined ? '' : `, ${remaining} messages remain`;
    const waits = waitingFor === undefined ? '' : `, waits for ${waitingFor}`;
    return `  ${service}: ${topic === undefined ? group : `${group} of ${topic}`} ${state}${left}${waits}`;
  });
}

function fate(wait: boolean, discarded: number): string {
  if (!wait) return ' Its messages leave meanwhile; colorway watch shows how far they are.';
  return discarded > 0 ? ` ${discarded} messages were thrown away.` : '';
}

async function sure({ confirm }: Session, yes: true | undefined, question: string): Promise<void> {
  if (yes === true || (await confirm(question))) return;
  throw new CommandFailure(EXIT.declined, 'DECLINED', 'nothing was changed.');
}

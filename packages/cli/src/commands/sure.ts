import type { Environment } from '@colorway/registry';
import { CommandFailure, EXIT } from '../exit-status.js';
import type { Session } from '../session.js';

/** Asks, unless `--yes` has answered. Fails with {@link EXIT.declined}, and without a terminal with {@link EXIT.usage}. */
export async function sure(
  { confirm }: Pick<Session, 'confirm'>,
  yes: true | undefined,
  question: string,
): Promise<void> {
  if (yes === true || (await confirm(question))) return;
  throw new CommandFailure(EXIT.declined, 'DECLINED', 'nothing was changed.');
}

/** A sentence for the question where somebody else owns the environment; else nothing. A seat belt: an owner is a name, and proves nothing. */
export function notYours(environment: Pick<Environment, 'owner'> | undefined, user: string): string {
  if (environment === undefined || environment.owner === user) return '';
  return `IT BELONGS TO ${environment.owner}, and you are ${user}.`;
}

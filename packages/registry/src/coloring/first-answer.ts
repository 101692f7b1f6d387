import { isColorwayError } from '@colorway/core';
import type { Reporter } from '@colorway/core/background';
import type { InstanceRegistration } from './instance-registration.js';

/**
 * Until it is registered, or refused for good; or until the directory has been away for `timeoutMs`. What becomes of it
 * after that is reported.
 */
export async function firstAnswer(
  registration: InstanceRegistration,
  service: string,
  timeoutMs: number,
  reporter: Reporter,
): Promise<void> {
  let late = false;
  let timer: NodeJS.Timeout | undefined;
  // This wait is the caller's, so it keeps the process alive.
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      late = true;
      reporter.warn(
        'COLORWAY_REGISTRATION_PENDING',
        `Service "${service}" starts without being registered: ${registration.problem} Registering goes on in the background.`,
      );
      resolve();
    }, timeoutMs);
  });
  const taken = registration.registered().catch((error: unknown) => {
    if (!late) throw error;
    if (isColorwayError(error) && error.code === 'COLORWAY_CLOSED') return;
    reporter.error(
      'COLORWAY_REGISTRATION_FAILED',
      `Service "${service}" could not be registered: ${registration.problem}`,
    );
  });
  await Promise.race([taken, patience]).finally(() => clearTimeout(timer));
}

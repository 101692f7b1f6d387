import { isColorwayError } from '@colorway/core';

/** Whether the directory was asked, and did not answer. */
export function isAway(error: unknown): boolean {
  return isColorwayError(error) && error.code === 'COLORWAY_DIRECTORY_FAILED';
}

/** With the directory away the record of before stands, and who ends it is seen when the directory is back. */
export function unknownWhileAway(error: unknown): undefined {
  if (!isAway(error)) throw error;
}

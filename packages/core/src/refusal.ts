import type { Color } from './color.js';
import { ColorwayError, type ColorwayErrorCode } from './errors.js';
import type { Refused } from './route-decision.js';

/** The error for a call that routing refuses: what is wrong, and what to do about it. */
export function refusal({ reason, service }: Refused, color: Color | undefined): ColorwayError {
  const code = CODES[reason];
  switch (reason) {
    case 'member-down':
      return new ColorwayError(
        code,
        `Environment "${color}" contains service "${service}", and no instance of that color is alive. ` +
          `The call is refused rather than sent to the baseline. Start "${service}" with COLORING_ENV=${color}, or withdraw it from the environment.`,
      );
    case 'baseline-down':
      return new ColorwayError(
        code,
        `Service "${service}" has no live baseline instance${color === undefined ? '' : `, and environment "${color}" does not contain it`}. Start one without COLORING_ENV.`,
      );
    case 'not-secure':
      return new ColorwayError(
        code,
        `The URL of this call says "https:", and no instance of service "${service}" that it may go to speaks TLS. ` +
          `Call http://${service}/, or have its instances register with "secure".`,
      );
    case 'service-unknown':
      return new ColorwayError(
        code,
        `Service "${service}" is expected, and the directory has never seen it. Check the name, and that it registers in the same directory.`,
      );
    case 'directory-unanswered':
      return new ColorwayError(
        code,
        `The directory has not answered since this process started, so where "${service}" runs is unknown. Check that the directory can be reached.`,
      );
  }
}

const CODES = {
  'member-down': 'COLORWAY_MEMBER_DOWN',
  'baseline-down': 'COLORWAY_BASELINE_DOWN',
  'not-secure': 'COLORWAY_INSTANCE_NOT_SECURE',
  'service-unknown': 'COLORWAY_SERVICE_UNKNOWN',
  'directory-unanswered': 'COLORWAY_DIRECTORY_UNANSWERED',
} as const satisfies Record<Refused['reason'], ColorwayErrorCode>;

import { ColorwayError, quote } from './errors.js';

/**
 * The name of a colored environment: 1 to 63 of `A-Za-z0-9-`, starting and ending with a letter or
 * digit. Case-sensitive. No underscore: it separates the parts of consumer group names.
 */
export type Color = string;

const MAX_LENGTH = 63;
const HYPHEN = 45;

/** Whether the text is within the grammar of {@link Color}. */
export function isColor(text: unknown): text is Color {
  if (typeof text !== 'string' || text.length === 0 || text.length > MAX_LENGTH) return false;
  const last = text.length - 1;
  for (let at = 0; at <= last; at++) {
    const code = text.charCodeAt(at);
    if (!isLetterOrDigit(code) && (code !== HYPHEN || at === 0 || at === last)) return false;
  }
  return true;
}

/** @throws ColorwayError `COLORWAY_INVALID_COLOR` when the text is outside the grammar. */
export function parseColor(text: unknown): Color {
  if (isColor(text)) return text;
  throw new ColorwayError(
    'COLORWAY_INVALID_COLOR',
    `${quote(text)} is not a color. Use 1 to 63 letters, digits and hyphens, with a letter or digit at both ends, like "feat-cart".`,
  );
}

/** By character code, because a regular expression costs more than all else that is done with a flow type. */
function isLetterOrDigit(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90);
}

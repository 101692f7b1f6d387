/**
 * What a terminal, a log viewer or a reader's eye takes for something else than text: controls of C0 and C1 (escape sequences,
 * line breaks), formatting (bidi overrides, zero width, tags, and what is kept free for more of it), the separators of lines and paragraphs, halves of surrogate pairs.
 */
const NOT_PLAIN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u2065\u{e0000}-\u{e0fff}]/gu;
const NOT_PLAIN_LINES = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u2065\u{e0000}-\u{e0fff}]/gu;

/**
 * Text from outside (owners, hosts, ids, answers of servers) as one line that can be shown to people: each such character
 * is written as JSON escapes it, `\u001b`. All other text stays as it is.
 */
export function plainText(text: string): string {
  return text.replace(NOT_PLAIN, escaped);
}

/** {@link plainText} for text of several lines, each of which was made here. */
export function plainLines(text: string): string {
  return text.replace(NOT_PLAIN_LINES, escaped);
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Of a character beyond 16 bits: both of its halves. */
function escaped(character: string): string {
  return SHORT[character] ?? character.split('').map(escapedUnit).join('');
}

function escapedUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

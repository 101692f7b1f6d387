import { type Color, ColorwayError, isColor, quote } from '@colorway/core';

/**
 * How the colored names of consumer groups and queues are formed: `<color>` and `<name>`, each once, with a
 * separator between them that no color contains. What stands before both may already stand in the
 * baseline's name, which then keeps it: `GID_AAA` and `orders` become `GID_<color>_AAA` and
 * `GID_<color>_orders`. Default `GID_<color>_<name>`.
 */
export type GroupPattern = string;

export const DEFAULT_GROUP_PATTERN: GroupPattern = 'GID_<color>_<name>';

/** A broker's bound on names: Kafka counts characters, AMQP bytes of UTF-8. */
export type NameLimit = 'kafka' | 'amqp';

const LIMITS = {
  kafka: { most: 249, unit: 'characters', length: (name: string) => name.length },
  amqp: { most: 255, unit: 'bytes', length: (name: string) => Buffer.byteLength(name) },
} as const satisfies Record<NameLimit, object>;

export interface GroupNamesOptions {
  readonly pattern?: GroupPattern;
  /** Default `kafka`. */
  readonly limit?: NameLimit;
}

/** What a colored name says. */
export interface ParsedGroup {
  readonly color: Color;
  /** The baseline groups that have this colored name: with what stands before both parts, and without. */
  readonly baseline: readonly string[];
}

/** Forms and reads colored names. Names are never cut or hashed: what does not fit is an error. */
export class GroupNames {
  readonly #pattern: GroupPattern;
  readonly #limit: NameLimit;
  readonly #prefix: string;
  readonly #shape: RegExp;

  /** @throws ColorwayError `COLORWAY_INVALID_OPTION` for a pattern from which a color could not be read back. */
  constructor(options: GroupNamesOptions = {}) {
    this.#pattern = options.pattern ?? DEFAULT_GROUP_PATTERN;
    this.#limit = options.limit ?? 'kafka';
    const parts = PATTERN.exec(this.#pattern);
    const [, prefix = '', first, between = '', second, suffix = ''] = parts ?? [];
    const nextToColor = first === '<color>' ? between[0] : between.at(-1);
    if (parts === null || first === second || nextToColor === undefined || IN_COLOR.test(nextToColor)) {
      throw new ColorwayError(
        'COLORWAY_INVALID_OPTION',
        `groupPattern: ${quote(this.#pattern)} must have <color> and <name> once each, with a separator such as "_" between them.`,
      );
    }
    this.#prefix = prefix;
    const group = (part: string | undefined): string =>
      part === '<color>' ? '(?<color>[A-Za-z0-9-]+)' : '(?<name>.+)';
    this.#shape = new RegExp(
      `^${literal(prefix)}${group(first)}${literal(between)}${group(second)}${literal(suffix)}$`,
      's',
    );
  }

  /**
   * The colored group's name.
   *
   * @throws ColorwayError `COLORWAY_GROUP_NAME` when it is too long for the broker, or the baseline's is empty.
   */
  colored(group: string, color: Color): string {
    const problem = this.#problem(group, color);
    if (problem !== undefined) throw problem;
    return this.#format(group, color);
  }

  /** `undefined` for a name that is not a colored one. */
  parse(name: string): ParsedGroup | undefined {
    const { color, name: rest } = this.#shape.exec(name)?.groups ?? {};
    if (!isColor(color) || rest === undefined) return undefined;
    return { color, baseline: this.#prefix === '' ? [rest] : [this.#prefix + rest, rest] };
  }

  /**
   * Everything that is wrong with the names of a system, as the errors to be thrown: names that are too
   * long, and two that are one. Pure; empty when all is well.
   *
   * @param groups all baseline groups.
   * @param colors all environments.
   */
  lint(groups: Iterable<string>, colors: Iterable<Color>): ColorwayError[] {
    const problems: ColorwayError[] = [];
    const meanings = new Map<string, string>();
    const baselines = new Set(groups);
    for (const group of baselines) meanings.set(group, `group ${quote(group)}`);
    for (const color of new Set(colors)) {
      for (const group of baselines) {
        const problem = this.#problem(group, color);
        if (problem !== undefined) {
          problems.push(problem);
          continue;
        }
        const name = this.#format(group, color);
        const meaning = `group ${quote(group)} in color ${quote(color)}`;
        const other = meanings.get(name);
        if (other === undefined) meanings.set(name, meaning);
        else problems.push(clash(name, other, meaning));
      }
    }
    return problems;
  }

  #format(group: string, color: Color): string {
    const keepsPrefix = group.length > this.#prefix.length && group.startsWith(this.#prefix);
    const name = keepsPrefix ? group.slice(this.#prefix.length) : group;
    // Functions, so that `$&` in a name stays what it is.
    return this.#pattern.replace(/<color>|<name>/g, (part) => (part === '<color>' ? color : name));
  }

  #problem(group: string, color: Color): ColorwayError | undefined {
    if (group === '')
      return new ColorwayError('COLORWAY_GROUP_NAME', 'A consumer group has an empty name. Give it one.');
    const { most, unit, length } = LIMITS[this.#limit];
    const long = length(this.#format(group, color));
    if (long <= most) return undefined;
    return new ColorwayError(
      'COLORWAY_GROUP_NAME',
      `Group ${quote(group)} in color ${quote(color)} would have a name of ${long} ${unit}; ${this.#limit} takes ${most}. Shorten the group or the color by ${long - most}.`,
    );
  }
}

const PATTERN =
  /^((?:(?!<color>|<name>).)*)(<color>|<name>)((?:(?!<color>|<name>).)*)(<color>|<name>)((?:(?!<color>|<name>).)*)$/s;
const IN_COLOR = /[A-Za-z0-9-]/;

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function clash(name: string, one: string, other: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_GROUP_NAME',
    `${quote(name)} is the name of ${one} and of ${other}: they would share messages. Rename one of the groups, or the color.`,
  );
}

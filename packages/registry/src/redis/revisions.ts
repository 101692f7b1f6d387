/** What became of something, as the scripts publish it. */
type What = 's' | 'p' | 'l' | 'x';

interface Told {
  readonly revision: number;
  readonly what: What;
  readonly name: string;
}

/** What is known to have changed since it was last read. */
export interface Changes {
  readonly keys: Set<string>;
  /** Instances: put, left by themselves, or expired. */
  readonly ids: Map<string, Exclude<What, 's'>>;
}

const MESSAGE = /^(\d+) ([splx]) (.*)$/s;

/**
 * Puts the messages about changes together and notices what is missing: each carries a revision, one more than
 * the one before.
 */
export class Revisions {
  #revision: number | undefined;
  #mark: string | undefined;
  #early: Told[] = [];
  #gap = false;
  #changes: Changes = { keys: new Set(), ids: new Map() };

  /** Nothing is known any more; messages are kept until {@link begin}. */
  reset(): void {
    this.#revision = undefined;
    this.#early = [];
    this.#gap = false;
    this.takeChanges();
  }

  /** All that was changed up to this revision is about to be read. */
  begin(revision: number, mark: string): void {
    this.#revision = revision;
    this.#mark = mark;
    for (const told of this.#early.splice(0)) this.#take(told);
  }

  /** A message as it was published; what is none is left out. */
  hear(message: string): void {
    const [, revision, what, name] = MESSAGE.exec(message) ?? [];
    if (name === undefined) return;
    const told = { revision: Number(revision), what: what as What, name };
    if (this.#revision === undefined) this.#early.push(told);
    else this.#take(told);
  }

  /**
   * What the server says of itself, after all messages up to this revision: `missed` when some did not arrive,
   * `lost` when its data is another.
   */
  check(revision: number, mark: string): 'current' | 'missed' | 'lost' {
    if (this.#mark !== undefined && this.#mark !== mark) return 'lost';
    return this.#gap || (this.#revision ?? -1) < revision ? 'missed' : 'current';
  }

  get hasGap(): boolean {
    return this.#gap;
  }

  takeChanges(): Changes {
    const changes = this.#changes;
    this.#changes = { keys: new Set(), ids: new Map() };
    return changes;
  }

  #take({ revision, what, name }: Told): void {
    const last = this.#revision as number;
    if (revision <= last) return;
    if (revision > last + 1) this.#gap = true;
    this.#revision = revision;
    if (what === 's') this.#changes.keys.add(name);
    else this.#changes.ids.set(name, what);
  }
}

/** How many joins and leaves the directory left in the middle. */
export interface CutChanges {
  readonly join: number;
  readonly leave: number;
}

/** Sees that a schedule meets what it is for: outages that begin while a color joins or leaves. */
export class ChangeLog {
  readonly #open = new Map<string, { readonly kind: keyof CutChanges; cut: boolean }>();
  readonly #cut = { join: 0, leave: 0 };

  begin(kind: keyof CutChanges, color: string): void {
    this.#open.set(color, { kind, cut: false });
  }

  end(color: string): void {
    const change = this.#open.get(color);
    this.#open.delete(color);
    if (change?.cut) this.#cut[change.kind]++;
  }

  directoryWent(): void {
    for (const change of this.#open.values()) change.cut = true;
  }

  get cut(): CutChanges {
    return { ...this.#cut };
  }
}

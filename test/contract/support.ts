import type { Directory, InstanceChange, InstanceRecord, StateChange, WatchObserver } from '@colorway/core';

/** A directory of the kind under test: empty, and for this test alone. */
export interface DirectoryUnderTest {
  /** Another client of the same directory, as another process would have it. */
  connect(): Directory;
  /** Closes the clients and removes what they left. */
  dispose(): Promise<void>;
}

/** Waits until `check` holds. Says what was waited for when it never does. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (await check()) return;
    await pause(10);
  }
  throw new Error(`It was waited ${timeoutMs} ms in vain for: ${what}.`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a watch has told, put together; it checks that a watch begins with a snapshot and keeps its promises. */
class Told<Change> implements WatchObserver<Change> {
  calls = 0;
  currents = 0;
  readonly errors: Error[] = [];
  readonly broken: string[] = [];
  #ready = false;
  readonly #apply: (change: Change, isFirst: boolean) => string | undefined;
  #isFirst = true;

  constructor(apply: (change: Change, isFirst: boolean) => string | undefined) {
    this.#apply = apply;
  }

  /** To be called when `watch` has returned. */
  ready(): void {
    this.#ready = true;
  }

  next(change: Change): void {
    this.#called();
    const broken = this.#apply(change, this.#isFirst);
    if (broken !== undefined) this.broken.push(broken);
    this.#isFirst = false;
  }

  current(): void {
    this.#called();
    this.currents++;
  }

  error(error: Error): void {
    this.#called();
    this.errors.push(error);
  }

  get hasSnapshot(): boolean {
    return !this.#isFirst;
  }

  #called(): void {
    this.calls++;
    if (!this.#ready) this.broken.push('called before watch() returned');
  }
}

export function instancesTold() {
  const byId = new Map<string, InstanceRecord>();
  const told = new Told<InstanceChange>((change, isFirst) => {
    if (change.kind === 'snapshot') {
      byId.clear();
      for (const record of change.instances) byId.set(record.id, record);
      return undefined;
    }
    for (const record of change.put) byId.set(record.id, record);
    for (const id of change.removed) byId.delete(id);
    return isFirst ? 'the first change was no snapshot' : undefined;
  });
  return Object.assign(told, { byId });
}

export function stateTold() {
  const values = new Map<string, string>();
  const told = new Told<StateChange>((change, isFirst) => {
    if (change.kind === 'snapshot') {
      values.clear();
      for (const { key, value } of change.entries) values.set(key, value);
      return undefined;
    }
    for (const { key, value } of change.put) values.set(key, value);
    for (const key of change.removed) values.delete(key);
    return isFirst ? 'the first change was no snapshot' : undefined;
  });
  return Object.assign(told, { values });
}

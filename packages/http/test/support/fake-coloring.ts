import {
  activeFlowType,
  type CarrierOptions,
  type Color,
  type Coloring,
  ColorwayError,
  type ContextLossOption,
  colorOf,
  type Directory,
  type DirectoryView,
  type FlowType,
  flowTypeOfColor,
  type InstanceRecord,
  MqBoard,
  membershipKey,
  type Registration,
  RequestsInFlight,
  resolveCarrierNames,
  ServedServers,
  useCarrierNames,
  ViewStore,
} from '@colorway/core';
import { defaultReporter, Scope } from '@colorway/core/background';
import { setupContext } from '@colorway/core/setup';

export interface FakeColoringOptions {
  readonly service?: string;
  readonly color?: Color;
  /** Whether the directory has answered. Default true. */
  readonly answered?: boolean;
  readonly directoryTimeoutMs?: number;
  readonly contextLoss?: ContextLossOption;
  readonly carriers?: CarrierOptions;
}

/** A coloring whose directory is a test: what it tells is said by `put`, `remove`, `member` and `answer`. */
export class FakeColoring implements Coloring {
  readonly service: string;
  readonly color: Color | undefined;
  readonly carriers;
  readonly assumeInstanceColor = true;
  readonly inFlight = new RequestsInFlight();
  readonly servers = new ServedServers();
  readonly contextLoss: ContextLossOption;
  isClosing = false;
  readonly mq = new MqBoard();
  readonly scope = new Scope('a double');
  readonly reporter = defaultReporter();
  readonly used = new Set<Color>();
  readonly directoryTimeoutMs: number;
  readonly #store: ViewStore;
  readonly #listeners = new Set<(view: DirectoryView) => void>();
  readonly #closing = new Set<() => Promise<void> | void>();
  readonly #waiting = new Set<() => void>();

  constructor(options: FakeColoringOptions = {}) {
    setupContext();
    this.service = options.service ?? 'caller';
    this.color = options.color;
    this.contextLoss = options.contextLoss ?? 'count';
    this.carriers = resolveCarrierNames(options.carriers);
    useCarrierNames(this.carriers);
    this.directoryTimeoutMs = options.directoryTimeoutMs ?? 300;
    this.#store = new ViewStore({ names: this.carriers });
    if (options.answered ?? true) this.answer();
  }

  get directory(): Directory {
    throw new Error('A fake coloring has no directory.');
  }

  answer(): void {
    this.#store.applyInstances({ kind: 'delta', put: [], removed: [] });
    this.#store.applyMemberships({ kind: 'delta', put: [], removed: [] });
    this.#changed();
    for (const go of this.#waiting) go();
  }

  put(...records: readonly InstanceRecord[]): void {
    this.#store.applyInstances({ kind: 'delta', put: records, removed: [] });
    this.#changed();
  }

  remove(...ids: readonly string[]): void {
    this.#store.applyInstances({ kind: 'delta', put: [], removed: ids });
    this.#changed();
  }

  /** Makes the service a member of the color's environment. */
  member(service: string, color: Color): void {
    this.#store.applyMemberships({
      kind: 'delta',
      put: [{ key: membershipKey(service, color), value: '', version: '1' }],
      removed: [],
    });
    this.#changed();
  }

  flowType(): FlowType | undefined {
    return (
      activeFlowType() ?? (this.color === undefined ? undefined : flowTypeOfColor(this.color, this.carriers))
    );
  }

  noteUse(color: Color): void {
    this.used.add(color);
  }

  activeColor(): Color | undefined {
    return colorOf(this.flowType());
  }

  view(): DirectoryView {
    return this.#store.current();
  }

  viewAge(): number {
    return this.view().answered ? 0 : Number.POSITIVE_INFINITY;
  }

  answeredView(signal?: AbortSignal): Promise<DirectoryView> {
    if (this.view().answered) return Promise.resolve(this.view());
    return new Promise((resolve, reject) => {
      const go = () => settle(() => resolve(this.view()));
      const timer = setTimeout(() => settle(() => reject(unanswered())), this.directoryTimeoutMs);
      const abort = () => settle(() => reject(signal?.reason));
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(go);
        signal?.removeEventListener('abort', abort);
        how();
      };
      this.#waiting.add(go);
      signal?.addEventListener('abort', abort);
    });
  }

  onViewChange(listener: (view: DirectoryView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  register(): Promise<Registration> {
    return Promise.reject(new Error('A fake coloring registers nothing.'));
  }

  declare(): Promise<void> {
    return Promise.reject(new Error('A fake coloring declares nothing.'));
  }

  async close(): Promise<void> {
    const tasks = [...this.#closing];
    this.#closing.clear();
    await Promise.all(tasks.map((task) => task()));
  }

  onClose(_stage: 'drain' | 'release', task: () => Promise<void> | void): () => void {
    this.#closing.add(task);
    return () => this.#closing.delete(task);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener(this.view());
  }
}

function unanswered(): ColorwayError {
  return new ColorwayError('COLORWAY_DIRECTORY_UNANSWERED', 'The directory has not answered.');
}

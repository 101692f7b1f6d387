import {
  ColorwayError,
  type Directory,
  type InstanceStore,
  type StateStore,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import type { AddressedDirectory } from './adapters.js';

/**
 * A directory whose adapter and client are being loaded. Calls wait for that; they reject with `COLORWAY_INVALID_OPTION` where
 * the client is not installed, which trying again does not mend.
 *
 * @param shown the address, for messages.
 */
export function lateDirectory(addressed: AddressedDirectory, shown: string): Directory {
  const late = new Late(addressed, shown);
  const instances = new LateInstances(late);
  const close = (): Promise<void> => late.close();
  return addressed.keepsState ? { instances, state: new LateState(late), close } : { instances, close };
}

class Late {
  readonly #loaded: Promise<Directory>;
  #isClosed = false;

  constructor({ load, client }: AddressedDirectory, shown: string) {
    this.#loaded = load().catch((error: unknown) => {
      throw isMissing(error, client) ? notInstalled(client, shown, error) : error;
    });
    // Whoever uses it hears of that.
    this.#loaded.catch(() => {});
  }

  async directory(): Promise<Directory> {
    if (this.#isClosed) throw closedError();
    return this.#loaded;
  }

  watch<Change>(observer: WatchObserver<Change>, begin: (directory: Directory) => Watch): Watch {
    if (this.#isClosed) throw closedError();
    let closed = false;
    let watch: Watch | undefined;
    this.#loaded
      .then((directory) => {
        if (!closed && !this.#isClosed) watch = begin(directory);
      })
      .catch((error: unknown) => {
        if (!closed && !this.#isClosed) observer.error(error as Error);
      });
    return {
      close: () => {
        closed = true;
        watch?.close();
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // One that could not be loaded holds nothing.
    const directory = await this.#loaded.catch(() => undefined);
    await directory?.close();
  }
}

class LateInstances implements InstanceStore {
  readonly reach = 'network';
  readonly #late: Late;

  constructor(late: Late) {
    this.#late = late;
  }

  async register(...args: Parameters<InstanceStore['register']>): Promise<void> {
    return (await this.#late.directory()).instances.register(...args);
  }

  async renew(id: string): Promise<void> {
    return (await this.#late.directory()).instances.renew(id);
  }

  async deregister(id: string): Promise<void> {
    return (await this.#late.directory()).instances.deregister(id);
  }

  watch(observer: Parameters<InstanceStore['watch']>[0]): Watch {
    return this.#late.watch(observer, ({ instances }) => instances.watch(observer));
  }
}

class LateState implements StateStore {
  readonly #late: Late;

  constructor(late: Late) {
    this.#late = late;
  }

  async get(key: string): ReturnType<StateStore['get']> {
    return (await this.#store()).get(key);
  }

  async list(prefix: string): ReturnType<StateStore['list']> {
    return (await this.#store()).list(prefix);
  }

  async create(key: string, value: string): ReturnType<StateStore['create']> {
    return (await this.#store()).create(key, value);
  }

  async compareAndSet(
    ...args: Parameters<StateStore['compareAndSet']>
  ): ReturnType<StateStore['compareAndSet']> {
    return (await this.#store()).compareAndSet(...args);
  }

  async compareAndDelete(key: string, version: string): Promise<boolean> {
    return (await this.#store()).compareAndDelete(key, version);
  }

  watch(...[prefix, observer]: Parameters<StateStore['watch']>): Watch {
    return this.#late.watch(observer, (directory) => stateOf(directory).watch(prefix, observer));
  }

  async now(): Promise<number> {
    const store = await this.#store();
    return store.now?.() ?? Date.now();
  }

  async #store(): Promise<StateStore> {
    return stateOf(await this.#late.directory());
  }
}

function stateOf({ state }: Directory): StateStore {
  if (state !== undefined) return state;
  throw new ColorwayError('COLORWAY_STATE_MISSING', 'The directory has no state half.');
}

/** Node says so with one code for `import` and another for `require`. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(`'${name}'`);
}

function notInstalled(client: string, shown: string, cause: unknown): ColorwayError {
  const message = `${shown} needs the package "${client}", which is not installed. Install it: npm install ${client}`;
  return new ColorwayError('COLORWAY_INVALID_OPTION', message, { cause });
}

function closedError(): ColorwayError {
  return new ColorwayError('COLORWAY_CLOSED', 'The directory is closed. Make a new one.');
}

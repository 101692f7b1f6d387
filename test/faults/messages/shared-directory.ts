import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { Service } from '../../services/types.js';

export type DirectoryServer = 'etcd' | 'consul';

/** The directory that all processes of a scenario share, and what can be done to it. */
export interface SharedDirectory {
  /** For `openDirectory`, in every process. */
  readonly address: string;
  /** Nobody reaches it any more: its server is killed with `kill -9`, its folder is moved away. */
  gone(): Promise<void>;
  /** It is there again with what it held. */
  back(): Promise<void>;
  /** Its server keeps its connections and answers nothing (SIGSTOP), until it goes on (SIGCONT). */
  freeze(): void;
  thaw(): void;
  /** Has its server run for the next scenario, however this one ended. */
  restore(): Promise<void>;
}

/** Makes the directory of one scenario, which has a folder of its own. */
export type MakeDirectory = (folder: string) => SharedDirectory;

export const fileInFolder: MakeDirectory = (folder) => {
  mkdirSync(folder);
  const noServer = (): never => {
    throw new Error('A folder has no server that could be frozen.');
  };
  return {
    address: pathToFileURL(folder).href,
    gone: () => rename(folder, `${folder}.gone`),
    back: () => rename(`${folder}.gone`, folder),
    freeze: noServer,
    thaw: noServer,
    restore: async () => {},
  };
};

/** A prefix of its own on a server that the scenarios may kill. */
export function onServer(kind: DirectoryServer, server: Service): MakeDirectory {
  return () => {
    const address = `${kind}://${new URL(server.url).host}/faults-${randomBytes(4).toString('hex')}/`;
    let isFrozen = false;
    const thaw = (): void => {
      isFrozen = false;
      server.resume();
    };
    return {
      address,
      gone: () => server.kill(),
      back: () => server.restart(),
      freeze: () => {
        isFrozen = true;
        server.pause();
      },
      thaw,
      restore: async () => {
        if (isFrozen) thaw();
        if (server.pid === undefined) await server.restart();
      },
    };
  };
}

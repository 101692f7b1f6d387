import fs from 'node:fs';
import os from 'node:os';
import { pathToFileURL } from 'node:url';
import { ViewStore } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { memoryDirectory } from '@colorway/registry/memory';
import { directoryOfProcess } from '../src/coloring/directory-of-process.js';
import { whoIsThere } from '../src/coloring/forgotten-directory.js';
import { cleanUp, temporaryFolder } from './support/clean-up.js';
import { environmentIs } from './support/environment.js';
import { until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

jest.setTimeout(120_000);

const nowhere = () => false;
const container = (path: string) => path === '/.dockerenv';
const podman = (path: string) => path === '/run/.containerenv';

type Env = Readonly<Record<string, string>>;
type Place = readonly [string, Env, (path: string) => boolean];

const DEPLOYED: readonly Place[] = [
  ['in Kubernetes', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, nowhere],
  ['in production', { NODE_ENV: 'production' }, nowhere],
  ['in a container', {}, container],
  ['in a container', { NODE_ENV: 'development', CI: 'true' }, podman],
];

function opened(env: Env, exists: (path: string) => boolean) {
  const found = directoryOfProcess(undefined, { env, exists });
  cleanUp(() => found.directory.close());
  return found;
}

describe('who names no directory', () => {
  it.each(DEPLOYED)('is told the three ways at the start, %s', (place, env, exists) => {
    expect(() => opened(env, exists)).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INVALID_OPTION',
        message: expect.stringMatching(
          new RegExp(
            `^directory: missing.*${place}.*createColoring\\(\\{ directory: .*COLORWAY_DIRECTORY=consul:.*COLORWAY_DIRECTORY=file: `,
          ),
        ),
      }),
    );
  });

  it.each(DEPLOYED)('an empty variable names none, %s', (_place, env, exists) => {
    const empty = { ...env, COLORWAY_DIRECTORY: '', COLORWAY_FOLDER: '' };
    expect(() => opened(empty, exists)).toThrow('directory: missing');
  });

  it.each([
    ['COLORWAY_DIRECTORY=file:', { COLORWAY_DIRECTORY: 'file:' }],
    ['COLORWAY_DIRECTORY=file:///folder', { COLORWAY_DIRECTORY: 'file:///tmp/x' }],
    ['COLORWAY_FOLDER', { COLORWAY_FOLDER: '/tmp/x' }],
  ])('%s says that a folder is meant, everywhere', (_name, named) => {
    for (const [, env, exists] of DEPLOYED)
      expect(opened({ ...env, ...named } as Env, exists).isForgotten).toBe(false);
  });

  it('shares the folder of the machine elsewhere, and that is noted', () => {
    expect(opened({}, nowhere).isForgotten).toBe(true);
  });
});

describe('COLORWAY_DIRECTORY', () => {
  it('is passed over where the option names a directory', () => {
    const directory = memoryDirectory();
    const env = { COLORWAY_DIRECTORY: 'nonsense', COLORWAY_STATE: 'nonsense' };
    expect(directoryOfProcess(directory, { env })).toEqual({ directory, isForgotten: false });
  });

  it.each([
    [
      { COLORWAY_DIRECTORY: 'mongo://ann:secret@a' },
      /^COLORWAY_DIRECTORY: "mongo:\/\/ann:\*\*\*@a" is not the address.*consul:/,
    ],
    [{ COLORWAY_DIRECTORY: 'consul://a:port' }, /^COLORWAY_DIRECTORY: .*http:\/\/a:port/],
    [{ COLORWAY_DIRECTORY: 'consul://ann@a' }, /^COLORWAY_DIRECTORY: .*token/],
    [{ COLORWAY_DIRECTORY: 'etcd://a:2379?dc=1' }, /^COLORWAY_DIRECTORY: .*no parameter "dc"/],
    [
      { COLORWAY_DIRECTORY: 'etcd://a:2379?ca=/no/such/ca.pem' },
      /^COLORWAY_DIRECTORY: .*\/no\/such\/ca\.pem cannot be read/,
    ],
    [{ COLORWAY_DIRECTORY: 'file:data' }, /^COLORWAY_DIRECTORY: "file:data" .*file:\/\/\/the\/folder/],
    [
      { COLORWAY_DIRECTORY: 'nacos://a:8848', COLORWAY_STATE: 'nacos://a:8848' },
      /^COLORWAY_STATE: .*keeps no state/,
    ],
    [{ COLORWAY_STATE: 'redis://a' }, /^COLORWAY_STATE: .*Set COLORWAY_DIRECTORY too/],
  ])('%j is refused at the start, with the value and the remedy', (env, message) => {
    expect(() => opened(env as Env, nowhere)).toThrow(
      expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION', message: expect.stringMatching(message) }),
    );
  });

  it('is where createColoring() without an argument registers, as the variables say', async () => {
    const folder = await temporaryFolder();
    environmentIs({
      COLORWAY_DIRECTORY: pathToFileURL(folder).href,
      COLORWAY_SERVICE: 'order',
      COLORING_ENV: 'feat-cart',
      COLORING_HOST: '10.1.2.3',
      NODE_ENV: 'production',
    });
    const coloring = createColoring();
    cleanUp(() => coloring.close());
    await coloring.register({ port: 3_001 });
    const other = createColoring({ service: 'other', color: '', directory: fileDirectory({ folder }) });
    cleanUp(() => other.close());
    const decision = () => other.view().services.get('order')?.colored.get('feat-cart');
    await until('the instance is seen', () => decision()?.kind === 'colored', 60_000);
    expect(decision()).toMatchObject({ instances: [{ host: '10.1.2.3', port: 3_001 }] });
  });

  it('has no say where an option does', async () => {
    environmentIs({ COLORWAY_DIRECTORY: 'nonsense', COLORWAY_SERVICE: 'a b', COLORING_ENV: 'a_b' });
    const coloring = createColoring({ service: 'order', color: '', directory: memoryDirectory() });
    cleanUp(() => coloring.close());
    expect([coloring.service, coloring.color]).toEqual(['order', undefined]);
  });

  it('a bad color and a bad host name their variables', async () => {
    environmentIs({ COLORING_ENV: 'feat_cart', COLORING_HOST: 'no host' });
    const options = { service: 'order', directory: memoryDirectory() };
    expect(() => createColoring(options)).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INVALID_COLOR',
        message: expect.stringMatching(/^COLORING_ENV: "feat_cart".*like "feat-cart"/),
      }),
    );
    const coloring = createColoring({ ...options, color: '' });
    cleanUp(() => coloring.close());
    await expect(coloring.register({ port: 1 })).rejects.toThrow(/^COLORING_HOST: "no host" must be/);
  });
});

describe('a folder that nobody has named', () => {
  it('is said once, with who else is there', async () => {
    const temporary = await temporaryFolder();
    environmentIs({});
    const spies = [
      jest.spyOn(os, 'tmpdir').mockReturnValue(temporary),
      jest.spyOn(fs, 'existsSync').mockReturnValue(false),
    ];
    cleanUp(() => {
      for (const spy of spies) spy.mockRestore();
    });
    const folder = fileDirectory();
    cleanUp(() => folder.close());
    const record = { id: 's', service: 'stock', host: 'h', port: 1, metadata: {}, startedAt: 0 };
    await folder.instances.register(record, 60_000);
    const warnings = gatherWarnings();
    const [order, price] = ['order', 'price'].map((service) =>
      createColoring({ service, directoryTimeoutMs: 60_000 }),
    );
    cleanUp(() => Promise.all([order?.close(), price?.close()]));
    await Promise.all([order?.answeredView(), price?.answeredView()]);
    await until('it is said', () => warnings.codes().length > 0, 60_000);
    await order?.register({ port: 3_001 });
    await until('the other sees it', () => price?.view().services.get('order') !== undefined, 60_000);
    expect(warnings.codes()).toEqual(['COLORWAY_DIRECTORY_UNNAMED']);
    expect(warnings.messages()).toEqual([
      expect.stringMatching(/folder ".*colorway-\d+", where it sees stock\. .*COLORWAY_DIRECTORY=file:/),
    ]);
  });

  it('names at most eight, and not the service itself', () => {
    const store = new ViewStore();
    const names = ['order', ...Array.from({ length: 10 }, (_, n) => `s${n}`)];
    const instances = names.map((service) => ({
      ...{ id: service, service, host: 'h', port: 1, metadata: {}, startedAt: 0 },
    }));
    store.applyInstances({ kind: 'snapshot', instances });
    expect(whoIsThere(store.current(), 'Order')).toBe('s0, s1, s2, s3, s4, s5, s6, s7 and 2 more');
    expect(whoIsThere(new ViewStore().current(), 'order')).toBe('no other service');
  });
});

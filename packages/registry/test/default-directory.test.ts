import { defaultDirectory } from '../src/default-directory.js';

const nowhere = () => false;
const container = (path: string) => path === '/.dockerenv';

describe('who names no directory', () => {
  it.each<[string, NodeJS.ProcessEnv, (path: string) => boolean]>([
    ['in Kubernetes', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, nowhere],
    ['in production', { NODE_ENV: 'production' }, nowhere],
    ['in a container', {}, container],
  ])('is told at the start, %s', (_place, env, exists) => {
    expect(() => defaultDirectory(env, exists)).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INVALID_OPTION',
        message: expect.stringMatching(/^directory: missing.*COLORWAY_FOLDER/),
      }),
    );
  });

  it.each<[string, NodeJS.ProcessEnv, (path: string) => boolean]>([
    ['on a machine', {}, nowhere],
    ['in production with a folder', { NODE_ENV: 'production', COLORWAY_FOLDER: '/tmp/x' }, nowhere],
    ['in a build', { CI: 'true' }, container],
    ['in a development container', { NODE_ENV: 'development' }, container],
  ])('shares the folder of the machine, %s', async (_place, env, exists) => {
    await defaultDirectory(env, exists).close();
  });
});

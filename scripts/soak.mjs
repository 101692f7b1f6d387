// `npm run soak`: random schedules of faults on a real broker, for so many minutes; ends with 1 at the first bad history.
//
//     npm run soak -- --broker rabbitmq --minutes 30
//     npm run soak -- --directory consul                          # file, etcd or consul; servers are killed too
//     npm run soak -- --broker kafka --seed 4711 --minutes 1      # again what a run has said
import { jest } from './jest.mjs';
import { refuse, scriptOptions } from './lib/options.mjs';

const USAGE =
  'npm run soak -- [--broker kafka|rabbitmq] [--directory file|etcd|consul] [--minutes <number>] [--seed <whole number>]';

const { values } = scriptOptions(USAGE, {
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    broker: { type: 'string', default: 'kafka' },
    directory: { type: 'string', default: 'file' },
  },
});

if (!(Number(values.minutes) > 0)) refuse(`--minutes ${values.minutes} must be a number above 0.`, USAGE);
if (values.seed !== undefined && !/^\d+$/.test(values.seed))
  refuse(`--seed ${values.seed} must be a whole number.`, USAGE);
if (!['kafka', 'rabbitmq'].includes(values.broker))
  refuse(`--broker ${values.broker} must be kafka or rabbitmq.`, USAGE);
if (!['file', 'etcd', 'consul'].includes(values.directory))
  refuse(`--directory ${values.directory} must be file, etcd or consul.`, USAGE);

// Takes seconds to load.
const { buildIfOlder } = await import('./lib/build-if-older.mjs');
const status = await buildIfOlder();
if (status !== 0) process.exit(status);
const env = {
  // A server that cannot be had fails the run.
  CI: 'true',
  COLORWAY_SOAK_BROKER: values.broker,
  COLORWAY_SOAK_DIRECTORY: values.directory,
  COLORWAY_SOAK_MINUTES: values.minutes,
  ...(values.seed !== undefined && { COLORWAY_SEED: values.seed }),
};
const args = ['--runInBand', '--testMatch=<rootDir>/test/faults/messages/soak.ts'];
process.exitCode = (await jest(args, { env })).status;

// `npm run soak`: random schedules of faults on a real broker, for so many minutes; ends with 1 at the first bad history.
//
//     npm run soak -- --broker rabbitmq --minutes 30
//     npm run soak -- --directory consul                          # file, etcd or consul; servers are killed too
//     npm run soak -- --broker kafka --seed 4711 --minutes 1      # again what a run has said
import { parseArgs } from 'node:util';
import { jest } from './jest.mjs';
import { buildIfOlder } from './lib/build-if-older.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    broker: { type: 'string', default: 'kafka' },
    directory: { type: 'string', default: 'file' },
  },
});

function refuse(why) {
  console.error(why);
  process.exit(2);
}
if (!(Number(values.minutes) > 0)) refuse(`--minutes ${values.minutes} must be a number above 0.`);
if (values.seed !== undefined && !/^\d+$/.test(values.seed))
  refuse(`--seed ${values.seed} must be a whole number.`);
if (!['kafka', 'rabbitmq'].includes(values.broker))
  refuse(`--broker ${values.broker} must be kafka or rabbitmq.`);
if (!['file', 'etcd', 'consul'].includes(values.directory))
  refuse(`--directory ${values.directory} must be file, etcd or consul.`);

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

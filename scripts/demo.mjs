// `npm run demo`: builds when a source is newer than the last build, then runs the shop, arguments passed on.
import { scriptOptions } from './lib/options.mjs';
import { node } from './lib/run.mjs';

const USAGE = 'npm run demo -- [--keep] [--kafka HOST:PORT[,…] | --amqp URL]';

const MORE = `  --keep    the shop stays up, with curl lines to try
  --kafka, --amqp    the shop's messages go over this broker; default: one of the demo's own
                     (npm run services -- kafka rabbitmq starts them, and prints their addresses)`;

scriptOptions(
  USAGE,
  { options: { keep: { type: 'boolean' }, kafka: { type: 'string' }, amqp: { type: 'string' } } },
  MORE,
);
// Takes seconds to load.
const { buildIfOlder } = await import('./lib/build-if-older.mjs');
const status = await buildIfOlder();
if (status !== 0) process.exit(status);
process.exitCode = await node([
  '--enable-source-maps',
  'examples/dist/shop/demo.js',
  ...process.argv.slice(2),
]);

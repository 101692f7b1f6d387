// `npm run demo`: builds when a source is newer than the last build, then runs the shop, arguments passed on.
import { buildIfOlder } from './lib/build-if-older.mjs';
import { node } from './lib/run.mjs';

if (process.argv.includes('--help')) {
  console.log(`npm run demo -- [--keep] [--kafka HOST:PORT[,…] | --amqp URL]
  --keep    the shop stays up, with curl lines to try
  --kafka, --amqp    the shop's messages go over this broker; default: one of the demo's own
                     (npm run services -- kafka rabbitmq starts them, and prints their addresses)`);
  process.exit(0);
}
const status = await buildIfOlder();
if (status !== 0) process.exit(status);
process.exitCode = await node([
  '--enable-source-maps',
  'examples/dist/shop/demo.js',
  ...process.argv.slice(2),
]);

// `npm run demo`: builds when a source is newer than the last build, then runs the shop, arguments passed on.
import { buildIfOlder } from './lib/build-if-older.mjs';
import { node } from './lib/run.mjs';

const status = await buildIfOlder();
if (status !== 0) process.exit(status);
process.exitCode = await node([
  '--enable-source-maps',
  'examples/dist/shop/demo.js',
  ...process.argv.slice(2),
]);

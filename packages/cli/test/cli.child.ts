import { runCli } from '../src/index.js';

// As bin/colorway.js: the process has to end by itself.
void runCli(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

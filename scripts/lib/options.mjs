import { parseArgs } from 'node:util';

/**
 * The options of a script, as `parseArgs` gives them. A wrong one, or a name where none may stand, ends the process with 2, what is
 * wrong and the usage; `--help` with 0 and the usage.
 *
 * @template {import('node:util').ParseArgsConfig} Config
 * @param {string} usage one line
 * @param {Config} config
 * @param {string} [more] what `--help` says below the usage
 * @returns {ReturnType<typeof parseArgs<Config>>}
 */
export function scriptOptions(usage, config, more) {
  if (process.argv.slice(2).some((arg) => arg === '--help' || arg === '-h')) {
    console.log(more === undefined ? `Usage: ${usage}` : `Usage: ${usage}\n${more}`);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    const [why] = error.message.split(/\.(?: |$)/);
    refuse(`${why}.`, usage);
  }
}

/** @param {string} why @param {string} usage @returns {never} */
export function refuse(why, usage) {
  console.error(`${why}\nUsage: ${usage}`);
  process.exit(2);
}

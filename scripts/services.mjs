// `npm run services -- kafka rabbitmq`: real servers for use by hand, until Ctrl-C. Prints the lines that make tests and
// examples use them. `--get` only sees to it that they are there; without names it lists what there is.
import { addressInEnvironment, obtain } from '../test/services/obtain.mjs';
import { SERVICE_NAMES, serverKind } from '../test/services/server-kinds.mjs';
import { startService } from '../test/services/start-service.mjs';
import { scriptOptions } from './lib/options.mjs';

const USAGE = `npm run services -- [--get] [${SERVICE_NAMES.join('|')}]...`;

/** The demo's messages can go over these. */
const DEMO_OPTIONS = { kafka: '--kafka', rabbitmq: '--amqp' };

function list() {
  console.log(`${USAGE}\n`);
  for (const name of SERVICE_NAMES) {
    const kind = serverKind(name);
    console.log(`${name.padEnd(9)} ${kind.variable.padEnd(14)} ${whereFrom(kind)}`);
  }
}

function whereFrom({ name, variable, obstacle, find, fetch }) {
  const url = addressInEnvironment(name);
  if (url !== undefined) return `runs at ${url} (${variable})`;
  const cannotRun = obstacle?.();
  const program = find();
  if (cannotRun === undefined && program !== undefined) return program;
  const absence = cannotRun ?? fetch.obstacle();
  return absence === undefined ? `would be fetched: ${fetch.what}` : `${absence.why}: ${absence.command}`;
}

async function start(names) {
  const services = [];
  const stop = async () => {
    console.log('\nstopping');
    await Promise.all(services.map((service) => service.stop()));
    process.exit();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop);
  setInterval(() => {}, 2 ** 30); // the servers themselves do not keep this process

  await Promise.all(
    names.map(async (name) => {
      const start = performance.now();
      const service = await startService(name, { say: console.log });
      services.push(service);
      const { title, variable } = serverKind(name);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(
        `# ${title}${service.version ? ` (version ${service.version})` : ''}, ready after ${seconds} s`,
      );
      console.log(`export ${variable}=${service.url}`);
      const option = DEMO_OPTIONS[name];
      if (option) console.log(`# the demo on it: npm run demo -- ${option} ${service.url}`);
    }),
  );
  console.log('# Ctrl-C ends them and removes their data');
}

const { values, positionals: names } = scriptOptions(USAGE, {
  allowPositionals: true,
  options: { get: { type: 'boolean', default: false } },
});
try {
  const kinds = names.map((name) => serverKind(name).name); // a wrong name is told before anything is started
  if (kinds.length === 0) list();
  else if (values.get) for (const name of kinds) console.log(`${name}: ${await obtain(name, console.log)}`);
  else await start(kinds);
} catch (error) {
  console.error(error.code ? error.message : error);
  process.exit(1);
}

// `npm run bench`: every benchmark, or those named: `npm run bench -- baggage route --rounds 5`.
// How long a registry is away: `npm run bench -- registry-outage --minutes 10`.
// Some registries: `npm run bench -- registry-change registry-load --on consul,etcd`.
import { refuse, scriptOptions } from '../scripts/lib/options.mjs';
import { machine } from './lib/report.mjs';

const BENCHMARKS = {
  baggage: './micro/baggage.bench.mjs',
  route: './micro/route.bench.mjs',
  view: './micro/view.bench.mjs',
  server: './http/server.bench.mjs',
  client: './http/client.bench.mjs',
  instructions: './http/instructions.bench.mjs',
  hop: './http/hop.bench.mjs',
  fairness: './http/fairness.bench.mjs',
  hostile: './http/hostile.bench.mjs',
  'rolling-restart': './http/rolling-restart.bench.mjs',
  'registry-outage': './http/registry-outage.bench.mjs',
  'registry-change': './registry/registry-change.bench.mjs',
  'registry-load': './registry/registry-load.bench.mjs',
  amqp: './mq/amqp.bench.mjs',
  'amqp-channel': './mq/channel.bench.mjs',
  kafka: './mq/kafka.bench.mjs',
  'kafka-join': './mq/kafka-join.bench.mjs',
  'mq-state': './mq/state.bench.mjs',
};

const USAGE =
  'npm run bench -- [<benchmark>...] [--rounds <number>] [--minutes <number>] [--on <registry>,...]';

const { values, positionals } = scriptOptions(USAGE, {
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    minutes: { type: 'string', default: '0.25' },
    on: { type: 'string', default: 'consul,etcd,redis,nacos' },
  },
});
const unknown = positionals.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0)
  refuse(`No benchmark ${unknown.join(', ')}. There are: ${Object.keys(BENCHMARKS).join(', ')}.`, USAGE);
for (const name of ['rounds', 'minutes'])
  if (!(Number(values[name]) > 0)) refuse(`--${name} ${values[name]} must be a number above 0.`, USAGE);

console.log(machine());
for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHMARKS)) {
  const { run } = await import(BENCHMARKS[name]);
  await run({ rounds: Number(values.rounds), minutes: Number(values.minutes), on: values.on.split(',') });
}

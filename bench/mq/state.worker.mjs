// Colors that join and leave one group, one after the other: what they leave behind in the state half, and what a join costs after
// them, and beside colors that stay. Variants: churn-<colors>; beside-<colors>, which run in this process too; stand-<colors>, which have
// joined and run elsewhere, as it were: their consumers are gone, and nothing else. The broker is in memory; the directory too, or etcd (ETCD_URL).
import { coloredKafka, leaveGroup } from '@colorway/mq/kafka';
import { memoryBroker } from '@colorway/mq/memory';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { openDirectory } from '../lib/open-directory.mjs';

const [kind, colors] = process.argv[2].split('-');
const { ETCD_URL } = process.env;
const inner = ETCD_URL ? await openDirectory('etcd', ETCD_URL) : memoryDirectory();
const PARTITIONS = 12;
const topic = `orders-${process.pid}-${Date.now()}`;
const group = `GID_${topic}`;

const { state } = inner;

/** The directory of one service, which counts the entries that its lists give. */
function counting() {
  const counted = {
    listed: 0,
    directory: {
      instances: inner.instances,
      state: {
        get: (key) => state.get(key),
        async list(prefix) {
          const entries = await state.list(prefix);
          counted.listed += entries.length;
          return entries;
        },
        create: (key, value) => state.create(key, value),
        compareAndSet: (key, value, version) => state.compareAndSet(key, value, version),
        compareAndDelete: (key, version) => state.compareAndDelete(key, version),
        watch: (prefix, observer) => state.watch(prefix, observer),
      },
      close: async () => {},
    },
  };
  return counted;
}

const broker = memoryBroker({ partitions: PARTITIONS });

async function start(color) {
  const counted = counting();
  const { directory } = counted;
  const coloring = createColoring({ service: 'bench', color, directory, closing: { noticeMs: 0 } });
  if (color !== '') await coloring.environments.ensure(color, { owner: 'bench' });
  const consumer = coloredKafka(coloring, broker).consumer({ groupId: group });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async () => {} });
  return { coloring, consumer, counted };
}

const baseline = await start('');
const stateOf = (color) =>
  baseline.coloring.mq.status().handovers.find((one) => one.color === color)?.state ?? 'gone';
const until = async (holds) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
};

/** Starts a color, until its part is its own; counts what it lists and what the baseline lists for it. */
async function join(color) {
  const from = performance.now();
  const before = baseline.counted.listed;
  const started = await start(color);
  await until(() => stateOf(color) === 'active');
  return {
    ...started,
    ms: performance.now() - from,
    listed: started.counted.listed + baseline.counted.listed - before,
  };
}

async function stop({ coloring, consumer }) {
  await consumer.disconnect();
  await coloring.close();
}

async function leave(color, joined) {
  await leaveGroup(baseline.coloring, broker, { group, topics: [topic], color, onLeave: 'drain' });
  await stop(joined);
  await baseline.coloring.environments.delete(color);
}

/** What whoever looks at the group reads, and for how long. */
async function look() {
  const from = performance.now();
  const entries = await state.list(`mq/${group}/`);
  const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return { ms: performance.now() - from, keys: entries.length, bytes };
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
const looks = async () => {
  const all = [];
  for (let times = 0; times < 21; times++) all.push(await look());
  return { ...all[0], ms: median(all.map(({ ms }) => ms)) };
};

const joins = [];
let first;
for (let at = 0; at < Number(colors); at++) {
  // Names of its own: on a server that others use too, theirs would have to leave as well.
  const color = `c${process.pid}-${at}`;
  const joined = await join(color);
  joins.push(joined);
  if (kind === 'churn') await leave(color, joined);
  if (kind === 'stand') await stop(joined);
  if (at === 0) first = await looks();
}
const last = await looks();
const left = [];
for (const prefix of ['mq/', 'mq-', 'sub/', 'pulse/']) left.push(...(await state.list(prefix)));
const keys = left.filter(({ key }) => key.includes(topic)).length;
/** The first five warm the process up. */
const early = joins.slice(5, 15);
const late = joins.slice(-10);
console.log(
  JSON.stringify({
    keys,
    bytes: last.bytes,
    lookMs: last.ms,
    firstLookMs: first.ms,
    joinMs: median(late.map(({ ms }) => ms)),
    earlyJoinMs: median(early.map(({ ms }) => ms)),
    listed: Math.max(...late.map((one) => one.listed)),
  }),
);
process.exit(0);

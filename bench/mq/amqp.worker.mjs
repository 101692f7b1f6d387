// One measurement on a broker (AMQP_URL): microseconds a message from publish to the last acknowledgement, end to end; and those
// of processor time, of this process and (BROKER_PID) of the broker.
// Variants: raw, routing-<colors>, and the same by way of a topic exchange: raw-topic, topic-<colors>; filter-single, filter-batched; multiple-<batch>, unacknowledged: filter-single's topology with
// consumers that acknowledge everything at once, or need not, for what the broker allows.
import { readFileSync } from 'node:fs';
import { withColor } from '@colorway/core';
import { coloredChannel, messageColor } from '@colorway/mq/amqp';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { connect } from 'amqplib';

const [kind, size] = process.argv[2].split('-');
const MESSAGES = ['raw', 'routing', 'topic'].includes(kind) ? 30_000 : 6_000;
/** Sent before, not measured. */
const WARM_UP = MESSAGES / 3;
const FILTER_COLORS = 10;
const GRACE_MS = 1_000;
const PREFETCH = 500;
const CONTENT = Buffer.alloc(200);
const KEY = 'order.created';

const queue = `bench-${process.pid}-${Date.now()}`;
const exchange = `${queue}.x`;
const sending = await connect(process.env.AMQP_URL);
const receiving = await connect(process.env.AMQP_URL);
const directory = memoryDirectory();
const colorings = [];

async function coloring(color = '') {
  const made = createColoring({
    service: 'order',
    color,
    directory: memoryDirectory(),
    closing: { noticeMs: 0 },
  });
  colorings.push(made);
  if (color !== '') await made.environments.ensure(color, { owner: 'bench' });
  return made;
}

let handled = 0;
let foreign = 0;
let expected = 0;
let finish;

function count() {
  if (++handled === expected) finish();
}

/** Handles everything that it is given, which must be of its color. */
async function consume(channel, name, isForeign = () => false) {
  await channel.prefetch(PREFETCH);
  await channel.consume(name, (message) => {
    channel.ack(message);
    if (isForeign(message)) return;
    count();
  });
}

/** Every tenth message has one of the colors. */
const colorOf = (n, colors) => (n % 10 === 0 ? `c${(n / 10) % colors}` : undefined);

async function sendAll(channel, send) {
  await sendSome(WARM_UP, channel, send);
  const start = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  const brokers = brokerMicroseconds();
  await sendSome(MESSAGES, channel, send);
  const { user, system } = process.cpuUsage(cpu);
  return {
    microseconds: Number(process.hrtime.bigint() - start) / 1_000 / MESSAGES,
    client: (user + system) / MESSAGES,
    broker: (brokerMicroseconds() - brokers) / MESSAGES,
  };
}

/** Linux counts hundredths of a second. */
function brokerMicroseconds() {
  if (process.env.BROKER_PID === undefined) return 0;
  const stat = readFileSync(`/proc/${process.env.BROKER_PID}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10_000;
}

/** Resolves when all of them are handled. */
async function sendSome(messages, channel, send) {
  handled = 0;
  expected = messages;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  for (let n = 0; n < messages; n++) {
    if (!send(n)) await new Promise((resolve) => channel.once('drain', resolve));
  }
  await finished;
}

async function raw() {
  const channel = await sending.createChannel();
  await channel.assertQueue(queue);
  await bound(channel);
  await consume(await receiving.createChannel(), queue);
  return await sendAll(channel, sendOne(channel));
}

const isTopic = kind === 'topic' || size === 'topic';

async function bound(channel) {
  if (!isTopic) return;
  await channel.assertExchange(exchange, 'topic');
  await channel.bindQueue(queue, exchange, KEY);
}

function sendOne(channel) {
  return () => (isTopic ? channel.publish(exchange, KEY, CONTENT) : channel.sendToQueue(queue, CONTENT));
}

async function routing(colors) {
  for (let c = -1; c < colors; c++) {
    const own = c < 0 ? undefined : `c${c}`;
    const channel = coloredChannel(await coloring(own), await receiving.createChannel());
    await channel.assertQueue(queue);
    await bound(channel);
    await consume(channel, queue, (message) => {
      if (messageColor(message.properties.headers) === own) return false;
      foreign++;
      return false;
    });
  }
  const channel = coloredChannel(await coloring(), await sending.createChannel());
  await channel.assertQueue(queue);
  const send = sendOne(channel);
  return await sendAll(channel, (n) => {
    const color = colorOf(n, colors);
    return color === undefined ? send() : withColor(color, send);
  });
}

/** Single: what anybody would write by hand. Batched: filter mode. Both read each message and know whose it is. */
async function filter(batched) {
  const options = { mode: 'filter', state: directory.state, graceMs: GRACE_MS };
  for (let c = -1; c < FILTER_COLORS; c++) {
    const own = c < 0 ? undefined : `c${c}`;
    const plain = await receiving.createChannel();
    const channel = batched ? coloredChannel(await coloring(own), plain, options) : plain;
    const name = batched || own === undefined ? queue : `GID_${own}_${queue}`;
    await channel.assertExchange(exchange, 'fanout');
    await channel.assertQueue(name);
    await channel.bindQueue(name, exchange, '');
    const isForeign = batched ? undefined : (message) => messageColor(message.properties.headers) !== own;
    await consume(channel, name, isForeign);
  }
  await new Promise((resolve) => setTimeout(resolve, 1.5 * GRACE_MS));
  const channel = coloredChannel(await coloring(), await sending.createChannel(), options);
  return await sendAll(channel, (n) =>
    withColor(colorOf(n, FILTER_COLORS), () => channel.publish(exchange, '', CONTENT)),
  );
}

/** As by hand, but acknowledged so many at a time, own or not, or not at all. */
async function copies(batch) {
  for (let c = -1; c < FILTER_COLORS; c++) {
    const own = c < 0 ? undefined : `c${c}`;
    const channel = await receiving.createChannel();
    const name = own === undefined ? queue : `GID_${own}_${queue}`;
    await channel.assertExchange(exchange, 'fanout');
    await channel.assertQueue(name);
    await channel.bindQueue(name, exchange, '');
    await channel.prefetch(PREFETCH);
    let pending = [];
    let timer;
    const flush = () => {
      clearTimeout(timer);
      timer = undefined;
      if (pending.length > 0) channel.ack(pending.at(-1), true);
      pending = [];
    };
    const onMessage = (message) => {
      if (messageColor(message.properties.headers) === own) count();
      if (batch === undefined) return;
      pending.push(message);
      if (pending.length >= batch) flush();
      else timer ??= setTimeout(flush, 10);
    };
    await channel.consume(name, onMessage, { noAck: batch === undefined });
  }
  const options = { mode: 'filter', state: directory.state };
  const channel = coloredChannel(await coloring(), await sending.createChannel(), options);
  return await sendAll(channel, (n) =>
    withColor(colorOf(n, FILTER_COLORS), () => channel.publish(exchange, '', CONTENT)),
  );
}

const measured =
  kind === 'raw'
    ? await raw()
    : kind === 'routing' || kind === 'topic'
      ? await routing(Number(size))
      : kind === 'filter'
        ? await filter(size === 'batched')
        : await copies(kind === 'multiple' ? Number(size) : undefined);

// What waits for its batch.
await new Promise((resolve) => setTimeout(resolve, 50));
await receiving.close();
const tidy = await sending.createChannel();
for (const name of [queue, ...Array.from({ length: 50 }, (_, c) => `GID_c${c}_${queue}`)])
  await tidy.deleteQueue(name);
const parts = ['', '.colors', '.own', '.own.colors', '.unclaimed', '.unstamped', '.baggage', '.held'].map(
  (part) => `coloring${part}`,
);
parts.push(`coloring.keys.topic.${exchange}`);
for (const end of ['x', 'baseline', ...parts]) {
  await tidy.deleteExchange(`${queue}.${end}`);
}
await Promise.all([sending.close(), ...colorings.map((made) => made.close())]);
await directory.close();
console.log(JSON.stringify({ ...measured, foreign }));

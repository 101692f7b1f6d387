// A consumer of the baseline among hostile messages: `hostile.child.ts <rabbitmq|kafka> <url> <all|none>`. Prints what it
// handled, what it asked of broker and directory meanwhile, and what its heap grew by, as one line of JSON.
import type { Directory, StateStore } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { hostileHeaders } from './hostile-headers.js';
import { openKafka } from './hostile-kafka.js';
import { openRabbit } from './hostile-rabbit.js';

const [, , broker = '', url = '', accept = 'all'] = process.argv;
/** In each of two rounds. The second must not need more memory than the first. */
const HOSTILE = 5_000;
const CHUNK = 500;
const FRIENDLY = 5;

const asked: Record<string, number> = {};
const count = (what: string): void => {
  asked[what] = (asked[what] ?? 0) + 1;
};
const handled = { hostile: 0, friendly: 0 };

const { state, instances } = memoryDirectory();
if (state === undefined || instances === undefined) throw new Error('no directory');
const counted = new Proxy<StateStore>(state, {
  get(target, name) {
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== 'function') return value;
    return (...args: unknown[]): unknown => {
      count(`directory ${String(name)} ${args[0]}`);
      return Reflect.apply(value, target, args);
    };
  },
});
const directory: Directory = { instances, state: counted, close: async () => {} };
const coloring = createColoring({ service: 'order', color: '', directory, closing: { noticeMs: 0 } });
const subject = await (broker === 'kafka' ? openKafka : openRabbit)({
  ...{ url, coloring, count, accept: accept as 'all' | 'none' },
  onHostile: () => void handled.hostile++,
  onFriendly: () => void handled.friendly++,
});

async function until(what: string, check: () => boolean): Promise<void> {
  for (const end = Date.now() + 240_000; !check(); ) {
    if (Date.now() > end) throw new Error(`not in 240 s: ${what}: ${JSON.stringify({ handled, asked })}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let sent = 0;
let friendly = 0;

/** While hostile messages stand in their queue, others are handled: each chunk waits for them, and not for its own. */
async function round(): Promise<void> {
  for (let at = 0; at < HOSTILE; at += CHUNK) {
    await subject.sendHostile(Array.from({ length: CHUNK }, () => hostileHeaders(sent++)));
    await subject.sendFriendly(FRIENDLY);
    friendly += FRIENDLY;
    await until('friendly messages', () => handled.friendly === friendly);
  }
  await until('hostile messages', () => handled.hostile >= sent);
}

function heap(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error('run it with --expose-gc');
  for (let time = 0; time < 4; time++) gc();
  return process.memoryUsage().heapUsed;
}

await subject.sendFriendly(1);
friendly = 1;
await until('the consumers are at work', () => handled.friendly === friendly);
for (const what of Object.keys(asked)) delete asked[what];
const askedIn: Record<string, number>[] = [];
const heaps: number[] = [];
for (let time = 0; time < 2; time++) {
  await round();
  askedIn.push({ ...asked });
  for (const what of Object.keys(asked)) delete asked[what];
  await new Promise((resolve) => setTimeout(resolve, 100));
  heaps.push(heap());
}
const status = coloring.mq.status();
process.stdout.write(
  `${JSON.stringify({
    ...{ handled, sent, friendly, askedIn, heaps },
    reasons: status.consumers.map(({ reasons }) => Object.keys(reasons).length),
  })}\n`,
);
await subject.close();
await coloring.close();

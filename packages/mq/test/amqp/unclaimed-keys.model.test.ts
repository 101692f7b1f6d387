import { carrierNames } from '@colorway/core';
import fc from 'fast-check';
import type { AmqpMessage } from '../../src/amqp/amqp-channel.js';
import { ExchangeTypes } from '../../src/amqp/connection/exchange-types.js';
import { SideChannel } from '../../src/amqp/connection/side-channel.js';
import { SidePublisher } from '../../src/amqp/connection/side-publisher.js';
import { isCopy } from '../../src/amqp/routing/baggage-copies.js';
import { Topology } from '../../src/amqp/routing/topology.js';
import { UnclaimedKeys } from '../../src/amqp/routing/unclaimed-keys.js';
import { messageColor } from '../../src/message/index.js';
import { GroupNames } from '../../src/names.js';
import { FakeBroker } from './fake-broker.js';

const QUEUE = 'orders';
const SOURCE = 'shop';
const KEYS = ['one', 'two'];
const COLORS = ['a', 'b'];
const names = new GroupNames({ limit: 'amqp' });
const carriers = carrierNames();

/** What is known of a thing that is done in several steps, or undone: yes, no, or on its way. */
type Is = boolean | 'changing';

interface Step {
  readonly key: string;
  readonly does: 'bind' | 'unbind';
}

/** The real declarations, one call at a time, in any order of the processes; after each call one message of each kind is sent. */
class World {
  readonly broker = new FakeBroker();
  readonly baseline = new Map<string, Is>();
  readonly bound = new Map<string, Is>();
  readonly joined = new Map<string, Is>();
  readonly #scheduler: fc.Scheduler;
  isVouched = false;
  readonly faults: string[] = [];

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  topology(who: string): Topology {
    const turn = (call: string) => this.#scheduler.schedule(Promise.resolve(), `${who}: ${call}`);
    const open = async () => this.broker.channel(turn);
    const side = new SideChannel(open, (_, question) => question());
    const types = new ExchangeTypes(side);
    types.note(SOURCE, 'topic');
    const unclaimed = new UnclaimedKeys(side, carriers, types, { patienceMs: 0 });
    return new Topology(side, new SidePublisher(open), carriers, names, unclaimed);
  }

  async change(of: Map<string, Is>, key: string, to: boolean, use: () => Promise<unknown>): Promise<void> {
    of.set(key, 'changing');
    await use();
    of.set(key, to);
  }

  send(): void {
    for (const key of KEYS) {
      for (const color of [...COLORS, 'z', undefined]) {
        const baggage = color === undefined ? 'tenant=7' : `x-infr-flowtype=CE_${color}`;
        this.#judge(key, { baggage }, color, `baggage of ${color}`);
        if (color !== undefined)
          this.#judge(key, { baggage, DMQ_ENV_TAG: color }, color, `stamp of ${color}`);
      }
      this.#judge(key, {}, undefined, 'nothing');
    }
  }

  #judge(
    key: string,
    headers: Readonly<Record<string, unknown>>,
    color: string | undefined,
    what: string,
  ): void {
    const by = this.broker.route(SOURCE, key, headers).flatMap((queue) => this.#handled(queue, key, headers));
    const [isBaselines, isColors] = [this.baseline.get(key) ?? false, this.bound.get(key) ?? false];
    const isJoined = color === undefined ? false : (this.joined.get(color) ?? false);
    const fault = (why: string): void => {
      this.faults.push(`${what} on ${key}: handled by [${by}], ${why}`);
    };
    if (by.length > 1) fault('more than once');
    if (isBaselines === true && by.length === 0) fault('which the baseline has bound');
    if (isBaselines === false && by.includes('base')) fault('which the baseline has not bound');
    if (by.some((name) => name !== 'base' && name !== color)) fault('a stray');
    if (isJoined === true && isBaselines === true && by[0] !== color) fault('whose color consumes');
    if (isJoined === true && isColors === true && this.isVouched && by[0] !== color)
      fault('which its color has bound');
    if (isJoined === false && by.some((name) => name !== 'base')) fault('whose color has not joined');
  }

  /** Who handles what has come to a queue. */
  #handled(queue: string, key: string, headers: Readonly<Record<string, unknown>>): string[] {
    const message = { fields: { exchange: SOURCE }, properties: { headers } } as unknown as AmqpMessage;
    const colorOf = (name: string) => names.parse(name)?.color;
    const reader = queue === QUEUE ? undefined : colorOf(queue);
    const color = messageColor(headers, carriers);
    if (isCopy(message, color, reader, carriers, colorOf)) return [];
    if (reader !== undefined) return [reader];
    if (color === undefined || headers.DMQ_ENV_TAG !== undefined) return ['base'];
    // It passes on what is a color's, stamped; what comes back is its own.
    const again = this.broker.route(`${QUEUE}.coloring`, key, { ...headers, DMQ_ENV_TAG: color });
    return again.map((name) => colorOf(name) ?? 'base');
  }
}

const steps = fc.array(
  fc.record<Step>({ key: fc.constantFrom(...KEYS), does: fc.constantFrom<Step['does'][]>('bind', 'unbind') }),
  { maxLength: 4 },
);
const stays = fc.record({
  binds: fc.subarray(KEYS),
  bindsFirst: fc.boolean(),
  rounds: fc.integer({ min: 0, max: 2 }),
});

jest.setTimeout(120_000);

test('whatever order processes bind, unbind, join and leave in, call by call: no message is lost, astray or handled twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      ...([fc.scheduler(), steps, stays, stays, fc.boolean()] as const),
      async (scheduler, ofBaseline, ofA, ofB, isColorFirst) => {
        const world = new World(scheduler);
        const done = play(world, ofBaseline, { a: ofA, b: ofB }, isColorFirst);
        let isOver = false;
        void done.finally(() => {
          isOver = true;
        });
        while (!isOver) {
          if (scheduler.count() > 0) await scheduler.waitOne();
          await new Promise((resolve) => setImmediate(resolve));
          world.send();
        }
        await done;
        expect(world.faults).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});

async function play(
  world: World,
  ofBaseline: readonly Step[],
  colors: Readonly<Record<string, { binds: string[]; bindsFirst: boolean; rounds: number }>>,
  isColorFirst: boolean,
): Promise<void> {
  const setUp = world.broker.channel(async () => {});
  await setUp.assertExchange(SOURCE, 'topic');
  const start = async (): Promise<void> => {
    await setUp.assertQueue(QUEUE);
    await world.topology('base').build(QUEUE);
    world.isVouched = true;
  };
  if (isColorFirst) await world.topology('a').ensureBaseline(QUEUE);
  else await start();
  const baseline = async (): Promise<void> => {
    if (isColorFirst) await start();
    const topology = world.topology('base');
    for (const { key, does } of ofBaseline) {
      const binding = { source: SOURCE, pattern: key };
      await world.change(world.baseline, key, does === 'bind', () =>
        does === 'bind' ? topology.bindBaseline(QUEUE, binding) : topology.unbindBaseline(QUEUE, binding),
      );
    }
  };
  const color = async (name: string): Promise<void> => {
    const topology = world.topology(name);
    const { binds, bindsFirst, rounds } = colors[name] ?? { binds: [], bindsFirst: true, rounds: 0 };
    await setUp.assertQueue(names.colored(QUEUE, name));
    const bind = async (): Promise<void> => {
      for (const key of binds) {
        await topology.bindColored(QUEUE, { source: SOURCE, pattern: key });
        world.bound.set(key, true);
      }
    };
    if (bindsFirst) await bind();
    for (let round = 0; round < rounds; round++) {
      await world.change(world.joined, name, true, () => topology.join(QUEUE, name));
      if (!bindsFirst) await bind();
      await world.change(world.joined, name, false, () => topology.leave(QUEUE, name));
    }
    await world.change(world.joined, name, true, () => topology.join(QUEUE, name));
    if (!bindsFirst) await bind();
  };
  await Promise.all([baseline(), ...Object.keys(colors).map(color)]);
}

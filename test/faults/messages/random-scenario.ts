import { createRandom } from './random.js';
import type { Scenario, Step } from './schedule.js';
import * as make from './schedule.js';

const COLORS = ['red', 'blue', 'green'];

interface Actor {
  readonly name: string;
  readonly color: string | undefined;
  mood: make.Mood;
  state: 'running' | 'paused';
}

/**
 * A scenario of disturbances chosen by a seed, the same for the same seed. It ends with everything well again: nobody
 * paused, the directory and the broker there, a consumer for each color that did not leave, and one of the baseline.
 */
export function randomScenario(broker: 'kafka' | 'rabbitmq', seed: number, length = 10): Scenario {
  const random = createRandom(seed);
  const colors = COLORS.slice(0, 1 + Math.floor(random() * COLORS.length));
  const steps: Step[] = [];
  const actors: Actor[] = [];
  const joined = new Set<string>();
  let made = 0;
  const pick = <One>(all: readonly One[]): One | undefined => all[Math.floor(random() * all.length)];
  const count = (color: string | undefined): number =>
    actors.filter((one) => one.color === color && one.state === 'running').length;

  function start(color?: string): Step {
    const name = `${color ?? 'base'} ${++made}`;
    actors.push({ name, color, mood: 'well', state: 'running' });
    if (color !== undefined) joined.add(color);
    // Slow ones fall behind, and then a color is ahead of the baseline, or the baseline of a color.
    const commits =
      broker === 'kafka' ? pick([undefined, undefined, 'deferred', 'transactional'] as const) : undefined;
    return make.start(name, color, pick([1, 2, 6]), commits);
  }
  function remove(actor: Actor): void {
    actors.splice(actors.indexOf(actor), 1);
  }
  function well(actor: Actor): Step[] {
    const before = actor.mood;
    actor.mood = 'well';
    return before === 'well' ? [] : [make.directory(actor.name, 'well')];
  }
  /** Whoever ends, leaves or is told something must run, and know the directory. */
  function resumed(actor: Actor): Step[] {
    const before = actor.state;
    actor.state = 'running';
    return [...(before === 'paused' ? [make.resume(actor.name)] : []), ...well(actor)];
  }
  /** The explicit call for a queue waits for consumers of other channels: they end before. */
  function leave(color: string): Step[] {
    joined.delete(color);
    const own = actors.filter((one) => one.color === color);
    const before = [...actors.filter((one) => one.color === undefined), ...own].flatMap(resumed);
    const how = pick([make.leave, make.withdraw, make.deleteEnvironment]) ?? make.leave;
    const rest = broker === 'rabbitmq' && how === make.leave ? own.splice(1) : [];
    for (const one of [...own, ...rest]) remove(one);
    return [
      ...before,
      // What a dead consumer left is drained by one that has the handlers.
      ...(count(undefined) === 0 ? [start()] : []),
      ...rest.map(({ name }) => make.stop(name)),
      how(color),
      ...own.map(({ name }) => make.stop(name)),
    ];
  }

  /** What is unread goes with a topic or a queue, so that nothing may be: everybody is well, and has read all. */
  function operate(act: make.OperatorAct, color?: string): Step[] {
    const isServed = (of: string | undefined): boolean => count(of) > 0;
    if (![undefined, ...joined].every(isServed)) return [];
    return [
      ...actors.flatMap(resumed),
      make.quiet(),
      make.settled(),
      make.operate(act, color),
      make.flow(3_000),
      make.loud(),
    ];
  }

  const disturbances: readonly (() => Step[])[] = [
    () => {
      if (random() < 0.5) return [];
      return broker === 'kafka'
        ? operate('remake-topic')
        : operate('delete-queue', pick([undefined, ...joined]));
    },
    () => (actors.length < 6 ? [start(pick([undefined, ...colors]))] : []),
    () => (actors.length < 5 ? [make.together(start(pick(colors)), start())] : []),
    () => {
      const actor = pick(actors);
      if (actor === undefined) return [];
      remove(actor);
      return [make.kill(actor.name)];
    },
    () => {
      const actor = pick(actors.filter((one) => one.state === 'running' && count(one.color) > 1));
      if (actor === undefined) return [];
      const before = resumed(actor);
      remove(actor);
      return [...before, make.stop(actor.name)];
    },
    () => {
      const actor = pick(actors.filter(({ state }) => state === 'running'));
      if (actor === undefined) return [];
      actor.state = 'paused';
      return [make.pause(actor.name), ...(random() < 0.5 ? [make.flow(7_000)] : [])];
    },
    () => {
      const actor = pick(actors.filter(({ state }) => state === 'paused'));
      return actor === undefined ? [] : resumed(actor);
    },
    () => {
      const actor = pick(actors.filter(({ state }) => state === 'running'));
      if (actor === undefined) return [];
      actor.mood = pick(['hanging', 'failing', 'read-only'] as const) ?? 'failing';
      return [make.directory(actor.name, actor.mood)];
    },
    () => [make.directoryGone, make.flow(2_000), make.directoryBack],
    () => {
      const color = pick([...joined]);
      return color === undefined ? [] : leave(color);
    },
    () => (random() < 0.5 ? [make.killBroker, make.flow(500), make.restartBroker, make.flow(1_000)] : []),
    () => {
      const actor = pick(actors.filter(({ state }) => state === 'running'));
      return actor !== undefined && broker === 'rabbitmq' ? [make.breakChannel(actor.name)] : [];
    },
  ];

  steps.push(start(), start(), start(colors[0]));
  for (let done = 0; done < length; ) {
    const next = pick(disturbances)?.() ?? [];
    if (next.length === 0) continue;
    steps.push(...next, make.flow(200 + random() * 1_200));
    done++;
  }
  steps.push(...actors.flatMap(resumed));
  // One that is fast, too, for what was left behind.
  if (count(undefined) < 2) steps.push(start());
  for (const color of joined) if (count(color) === 0) steps.push(start(color));
  steps.push(make.flow(1_000));
  return { title: `random schedule ${seed} on ${broker}`, colors, steps };
}

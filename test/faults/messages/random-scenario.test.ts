import { randomScenario } from './random-scenario.js';
import type { Step } from './schedule.js';

const flat = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => (step.do === 'together' ? flat(step.steps) : [step]));

describe.each(['kafka', 'rabbitmq'] as const)('random schedules for %s', (broker) => {
  test('the same seed gives the same schedule, and another seed another', () => {
    expect(randomScenario(broker, 7)).toEqual(randomScenario(broker, 7));
    expect(randomScenario(broker, 7)).not.toEqual(randomScenario(broker, 8));
  });

  test('each ends well: nobody is paused, directory and broker are there, and all can be handled', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 150; seed++) {
      const { steps } = randomScenario(broker, seed);
      const alive = new Map<string, string | undefined>();
      const [paused, moody, joined] = [new Set<string>(), new Set<string>(), new Set<string>()];
      let [directory, server] = [true, true];
      for (const step of flat(steps)) {
        seen.add(step.do);
        // Only the living can be told something.
        if ('name' in step && step.do !== 'start') expect(alive.has(step.name)).toBe(true);
        if (step.do === 'start') {
          alive.set(step.name, step.color);
          if (step.color !== undefined) joined.add(step.color);
          expect(directory && server).toBe(true);
        } else if (step.do === 'kill' || step.do === 'stop') {
          expect(step.do === 'stop' && paused.has(step.name)).toBe(false);
          for (const all of [alive, paused, moody]) all.delete(step.name);
        } else if (step.do === 'pause') paused.add(step.name);
        else if (step.do === 'resume') paused.delete(step.name);
        else if (step.do === 'directory') {
          expect(paused.has(step.name)).toBe(false);
          if (step.mood === 'well') moody.delete(step.name);
          else moody.add(step.name);
        } else if (step.do === 'directory-gone') directory = false;
        else if (step.do === 'directory-back') directory = true;
        else if (step.do === 'kill-broker') server = false;
        else if (step.do === 'restart-broker') server = true;
        else if (step.do === 'leave' || step.do === 'withdraw' || step.do === 'delete')
          joined.delete(step.color);
      }
      expect([...paused, ...moody]).toEqual([]);
      expect([directory, server]).toEqual([true, true]);
      const sides = new Set(alive.values());
      expect([undefined, ...joined].filter((side) => !sides.has(side))).toEqual([]);
    }
    expect(seen).toContain('kill-broker');
    expect(seen).toContain('delete');
  });
});

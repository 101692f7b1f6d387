import { createColoring } from '@colorway/registry';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp } from '../support/clean-up.js';
import { until } from '../support/wait.js';
import { gatherWarnings } from '../support/warnings.js';
import { instance, newPrefix, redisCommand, redisOn } from './support.js';

jest.setTimeout(60_000);

describeWithServers(['redis'], 'Redis: what others wrote', (servers) => {
  test.each([true, false])(
    'is left out with a warning each (there before the watch: %s)',
    async (isFirst) => {
      const warnings = gatherWarnings();
      const prefix = newPrefix();
      const { url } = servers.redis;
      const directory = redisOn({ url, prefix });
      const [good, heavy, torn] = ['good', 'heavy', 'torn'].map((name) => instance(`${name}-${prefix}`));
      const write = async (): Promise<void> => {
        await directory.instances.register({ ...heavy, weight: '2' as never } as never, 60_000);
        await directory.instances.register(torn as never, 60_000);
        await redisCommand(url, 'HSET', `{${prefix}}:instances`, `torn-${prefix}`, '60000:{"id":"torn');
      };
      if (isFirst) await write();
      const coloring = createColoring({ service: 'caller', color: '', directory });
      cleanUp(() => coloring.close());
      await coloring.answeredView();
      if (!isFirst) await write();
      await directory.instances.register(good as never, 60_000);
      await until(
        'the good one',
        () => {
          const { uncolored } = coloring.view().services.get('order') ?? {};
          return (
            uncolored?.kind === 'baseline' && uncolored.instances.some(({ id }) => id === `good-${prefix}`)
          );
        },
        30_000,
      );
      const told = warnings.messages();
      expect(told.filter((text) => text.includes(`"heavy-${prefix}"`))).toHaveLength(1);
      if (isFirst) expect(told.filter((text) => text.includes(`{${prefix}}:instances`))).toHaveLength(1);
    },
  );
});

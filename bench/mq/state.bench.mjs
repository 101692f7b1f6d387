// What colors leave behind in the directory's state half, and what that costs those who come after them: 12 partitions, a broker in memory.
import { fileURLToPath } from 'node:url';
import { startService } from '../../test/services/index.mjs';
import { report } from '../lib/report.mjs';
import { medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./state.worker.mjs', import.meta.url));
const CHURN = 'churn-500';
const BESIDE = 'beside-51';
const STAND = 'stand-51';

/** `--on etcd`: the directory in etcd instead of in memory, where only the broker's part of the time is seen. */
export async function run({ rounds, on }) {
  const etcd = on.length === 1 && on[0] === 'etcd' ? await startService('etcd') : undefined;
  try {
    const how = { rounds: Math.min(rounds, 2), env: etcd === undefined ? {} : { ETCD_URL: etcd.url } };
    const measured = await runRounds(script, [CHURN, BESIDE, STAND], how);
    const within = (variant, figure, against) => ({
      measured: ratio(selfRatio(measured.get(variant), figure, against), 'of', 'late', 'early'),
    });
    report(
      `State of colors on Kafka, 12 partitions, directory ${etcd === undefined ? 'in memory' : 'etcd'}`,
      [
        {
          what: '500 colors came and went: keys left',
          measured: medianOf(measured, 'keys', CHURN),
          goal: 50,
        },
        { what: '  bytes a look reads', measured: medianOf(measured, 'bytes', CHURN), goal: 10_240 },
        {
          what: '  a look after them, against the first',
          ...within(CHURN, 'lookMs', 'firstLookMs'),
          goal: 1,
        },
        {
          what: '  a join after them, against the first',
          ...within(CHURN, 'joinMs', 'earlyJoinMs'),
          goal: 1.2,
        },
        { what: '  entries listed by a join', measured: medianOf(measured, 'listed', CHURN), goal: 500 },
        {
          what: '50 colors are there, one more: entries listed',
          measured: medianOf(measured, 'listed', BESIDE),
          goal: 1_000,
        },
        {
          what: '  its join, against the first ones, with all of them in one process',
          ...within(BESIDE, 'joinMs', 'earlyJoinMs'),
          goal: 1.2,
        },
        {
          what: '  the same, where they run elsewhere',
          ...within(STAND, 'joinMs', 'earlyJoinMs'),
          goal: 1.2,
        },
      ],
      { rounds: how.rounds },
    );
  } finally {
    await etcd?.stop();
  }
}

/** One variant's two figures as those of two variants. */
function selfRatio(rounds, late, early) {
  return new Map([
    ['late', rounds.map((round) => ({ of: round[late] }))],
    ['early', rounds.map((round) => ({ of: round[early] }))],
  ]);
}

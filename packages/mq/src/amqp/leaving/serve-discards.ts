import { unlessAborted } from '@colorway/core/background';
import { leavingOf } from '../../leaving/index.js';
import { brokerIdentity } from '../connection/broker-identity.js';
import { Withdrawal, type WithdrawalParts } from './withdrawal.js';

const POLL_MS = 200;

/**
 * A process of the service that has declared queues, and consumes none, can still throw away what a color left behind: so
 * `--on-leave discard` ends the wait for a consumer that nobody starts any more. Returns how to end that.
 */
export function serveDiscards(parts: WithdrawalParts): () => void {
  const leaving = leavingOf(parts.coloring);
  if (leaving === undefined || parts.scope.isDisposed) return () => {};
  const scope = parts.scope.child('discards');
  scope.spawn('discards of queues', async (signal) => {
    const cluster = await unlessAborted(signal, brokerIdentity(parts.state));
    if (signal.aborted) return;
    const end = leaving.serveDiscards({
      ...{ broker: 'amqp', mayBeRenamed: true },
      ...(cluster !== undefined && { cluster }),
      leave: async (work) => {
        const withdrawal = new Withdrawal(parts, work.subscription.group, work.color, {
          signal: work.signal,
          pollMs: POLL_MS,
          whose: work.subscription,
          isPatient: true,
          isLeaving: () => work.isLeaving(),
          onDrain: (left) => work.progress(left),
          onDiscard: (messages) => work.discarding(0, messages),
        });
        await withdrawal.discard();
      },
    });
    scope.defer(end);
  });
  return () => {
    void scope.dispose(); // never rejects, and is waited for by the channel's scope
  };
}

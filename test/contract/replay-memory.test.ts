import { replayMemory } from '@colorway/http/auth';
import { describeReplayStore } from './replay-store-contract.js';

describeReplayStore('replayMemory', () => {
  const store = replayMemory();
  return { connect: () => store };
});

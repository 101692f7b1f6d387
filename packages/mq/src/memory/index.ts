export type {
  ConsumerEventName,
  MemoryEvent,
  MemoryEventListener,
} from './client/events.js';
export type { QuietLogger } from './client/quiet-logger.js';
export type {
  MemoryAdmin,
  MemoryBatch,
  MemoryConsumer,
  MemoryConsumerConfig,
  MemoryEachBatchPayload,
  MemoryEachMessagePayload,
  MemoryGroupDescription,
  MemoryMessage,
  MemoryProducer,
  MemoryProducerConfig,
  MemoryRunConfig,
  MemorySender,
  MemoryTransaction,
  SentMessage,
  SentRecord,
  SentTopic,
} from './client/types.js';
export {
  type MemoryBroker,
  type MemoryBrokerOptions,
  type MemoryRecord,
  memoryBroker,
} from './memory-broker.js';

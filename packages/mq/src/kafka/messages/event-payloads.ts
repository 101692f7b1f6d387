/** Of the client's `GROUP_JOIN`: it has an assignment. */
export interface GroupJoin {
  readonly memberId: string;
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
}

/** Of its `END_BATCH_PROCESS`: a batch was passed, also one without a message that a handler may see. */
export interface EndedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batchSize: number;
  readonly lastOffset: string;
  readonly highWatermark: string;
}

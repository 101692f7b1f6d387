import type { Deferred } from '@colorway/core/background';
import type { GroupProtocol, JoinRequest, JoinResult } from './broker-port.js';

/** A member of a group as the broker knows it. It is dead when it was silent for its session timeout. */
export class GroupMemberRecord {
  readonly id: string;
  readonly clientId: string;
  readonly rebalanceTimeoutMs: number;
  protocols: readonly GroupProtocol[];
  assignment: Buffer = Buffer.alloc(0);
  /** It has asked to join, or for its assignment, and waits for the others. */
  joining: Deferred<JoinResult> | undefined;
  syncing: Deferred<Buffer> | undefined;
  readonly #sessionTimeoutMs: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: JoinRequest, onSilence: () => void) {
    this.id = request.memberId;
    this.clientId = request.clientId;
    this.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    this.protocols = request.protocols;
    this.#sessionTimeoutMs = request.sessionTimeoutMs;
    this.#onSilence = onSilence;
  }

  metadata(protocol: string): Buffer {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? Buffer.alloc(0);
  }

  /** It was heard of. Whoever waits for an answer need not speak. */
  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.joining !== undefined || this.syncing !== undefined) this.heard();
      else this.#onSilence();
    }, this.#sessionTimeoutMs).unref();
  }

  end(error: Error): void {
    clearTimeout(this.#timer);
    this.joining?.reject(error);
    this.syncing?.reject(error);
    this.joining = undefined;
    this.syncing = undefined;
  }
}

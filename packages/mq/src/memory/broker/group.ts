import { quote } from '@colorway/core';
import { Deferred } from '@colorway/core/background';
import { BrokerError } from './broker-error.js';
import type {
  CommitRequest,
  CommittedOffset,
  GroupDescription,
  GroupMember,
  GroupState,
  JoinRequest,
  JoinResult,
  MemberAssignment,
} from './broker-port.js';
import { GroupMemberRecord } from './group-member-record.js';

/**
 * A consumer group as Kafka's classic coordinator keeps it. Each rebalance is a generation: all members join,
 * the leader assigns, each gets its part. A commit is checked for member and generation, and never for what is
 * assigned to the member, as a real broker does it.
 */
export class Group {
  readonly id: string;
  /** Called when members have to join again. */
  readonly waiting = new Set<() => void>();
  readonly #members = new Map<string, GroupMemberRecord>();
  readonly #offsets = new Map<string, { readonly committed: CommittedOffset; readonly turn: number }>();
  #turn = 0;
  #state: Exclude<GroupState, 'Dead'> = 'Empty';
  #generation = 0;
  #leader = '';
  #protocol = '';
  #deadline: NodeJS.Timeout | undefined;

  constructor(id: string) {
    this.id = id;
  }

  get isEmpty(): boolean {
    return this.#state === 'Empty';
  }

  join(request: JoinRequest): Promise<JoinResult> {
    let member = this.#members.get(request.memberId);
    if (member === undefined) {
      if (!request.isNew) throw this.#unknown(request.memberId);
      member = new GroupMemberRecord(request, () => this.#remove(request.memberId));
      this.#members.set(member.id, member);
    }
    member.protocols = request.protocols;
    const joining = new Deferred<JoinResult>();
    member.joining = joining;
    member.heard();
    this.#rebalance();
    return joining.promise;
  }

  sync({ memberId, generation }: GroupMember, assignments: readonly MemberAssignment[]): Promise<Buffer> {
    const member = this.#known(memberId, generation);
    if (this.#state === 'PreparingRebalance') throw this.#rebalancing();
    if (this.#state === 'Stable') return Promise.resolve(member.assignment);
    const syncing = new Deferred<Buffer>();
    member.syncing = syncing;
    if (memberId === this.#leader) this.#assign(assignments);
    return syncing.promise;
  }

  heartbeat({ memberId, generation }: GroupMember): void {
    this.#known(memberId, generation);
    if (this.#state === 'PreparingRebalance') throw this.#rebalancing();
  }

  leave(memberId: string): void {
    if (!this.#members.has(memberId)) throw this.#unknown(memberId);
    this.#remove(memberId);
  }

  /** Whether a heartbeat of this member would be refused. */
  mustRejoin({ memberId, generation }: GroupMember): boolean {
    const member = this.#members.get(memberId);
    return member === undefined || generation !== this.#generation || this.#state === 'PreparingRebalance';
  }

  commit({ by, offsets }: CommitRequest): void {
    if (by === 'admin') {
      if (!this.isEmpty) throw new BrokerError('UNKNOWN_MEMBER_ID', `Group ${quote(this.id)} has members.`);
    } else {
      this.#known(by.memberId, by.generation);
      // Not yet: who owns what in this generation is not said. While members still join, the old one counts.
      if (this.#state === 'CompletingRebalance') throw this.#rebalancing();
    }
    this.commitPending(offsets, this.nextTurn());
  }

  /** Commits come one after the other; this is the next one's place among them. */
  nextTurn(): number {
    return ++this.#turn;
  }

  /** Offsets that were sent at this turn: where a later commit stands, that one stays. */
  commitPending(offsets: readonly CommittedOffset[], turn: number): void {
    for (const committed of offsets) {
      const place = `${committed.partition} ${committed.topic}`;
      const standing = this.#offsets.get(place);
      if (standing === undefined || standing.turn < turn) this.#offsets.set(place, { committed, turn });
    }
  }

  committed(): CommittedOffset[] {
    return Array.from(this.#offsets.values(), ({ committed }) => committed);
  }

  /** What was committed in a topic that is deleted. */
  forget(topic: string): void {
    for (const [place, { committed }] of this.#offsets)
      if (committed.topic === topic) this.#offsets.delete(place);
  }

  describe(): GroupDescription {
    const stable = this.#state === 'Stable';
    return {
      groupId: this.id,
      state: this.#state,
      protocol: this.#protocol,
      members: Array.from(this.#members.values(), (member) => ({
        memberId: member.id,
        clientId: member.clientId,
        // Nobody has a part before all have.
        memberMetadata: stable ? member.metadata(this.#protocol) : Buffer.alloc(0),
        memberAssignment: stable ? member.assignment : Buffer.alloc(0),
      })),
    };
  }

  close(error: Error): void {
    clearTimeout(this.#deadline);
    for (const member of this.#members.values()) member.end(error);
    this.#members.clear();
    this.#state = 'Empty';
  }

  #rebalance(): void {
    if (this.#state !== 'PreparingRebalance') {
      this.#state = 'PreparingRebalance';
      for (const member of this.#members.values()) {
        member.syncing?.reject(this.#rebalancing());
        member.syncing = undefined;
      }
      const longest = Math.max(...Array.from(this.#members.values(), (one) => one.rebalanceTimeoutMs));
      clearTimeout(this.#deadline);
      this.#deadline = setTimeout(() => this.#dropSilent(), longest).unref();
      for (const waiter of [...this.waiting]) waiter();
    }
    this.#completeJoin();
  }

  /** Whoever did not join again in time is no member any more. */
  #dropSilent(): void {
    for (const member of this.#members.values()) {
      if (member.joining !== undefined) continue;
      member.end(this.#unknown(member.id));
      this.#members.delete(member.id);
    }
    this.#completeJoin();
  }

  #completeJoin(): void {
    const members = [...this.#members.values()];
    if (members.some(({ joining }) => joining === undefined)) return;
    clearTimeout(this.#deadline);
    this.#generation++;
    const [first] = members;
    if (first === undefined) {
      this.#state = 'Empty';
      this.#leader = '';
      return;
    }
    this.#state = 'CompletingRebalance';
    const leader = this.#members.get(this.#leader) ?? first;
    this.#leader = leader.id;
    const common = leader.protocols.find(({ name }) =>
      members.every(({ protocols }) => protocols.some((one) => one.name === name)),
    );
    // The one that came last has none in common with the others: Kafka refuses it, and so does this.
    if (common === undefined) {
      this.#refuseLast(members);
      return;
    }
    this.#protocol = common.name;
    const everybody = members.map((member) => ({
      memberId: member.id,
      memberMetadata: member.metadata(common.name),
    }));
    for (const member of members) {
      const { joining } = member;
      member.joining = undefined;
      member.assignment = Buffer.alloc(0);
      member.heard();
      joining?.resolve({
        generation: this.#generation,
        leaderId: leader.id,
        protocol: common.name,
        members: member === leader ? everybody : [],
      });
    }
  }

  #refuseLast(members: readonly GroupMemberRecord[]): void {
    const last = members.at(-1) as GroupMemberRecord;
    this.#members.delete(last.id);
    last.end(
      new BrokerError(
        'INCONSISTENT_GROUP_PROTOCOL',
        `No partition assigner is common to all members of group ${quote(this.id)}. Give them the same partitionAssigners.`,
      ),
    );
    this.#state = 'PreparingRebalance';
    this.#completeJoin();
  }

  #assign(assignments: readonly MemberAssignment[]): void {
    for (const { memberId, memberAssignment } of assignments) {
      const member = this.#members.get(memberId);
      if (member !== undefined) member.assignment = memberAssignment;
    }
    this.#state = 'Stable';
    for (const member of this.#members.values()) {
      const { syncing } = member;
      member.syncing = undefined;
      syncing?.resolve(member.assignment);
    }
  }

  #remove(memberId: string): void {
    this.#members.get(memberId)?.end(this.#unknown(memberId));
    this.#members.delete(memberId);
    this.#rebalance();
  }

  #known(memberId: string, generation: number): GroupMemberRecord {
    const member = this.#members.get(memberId);
    if (member === undefined) throw this.#unknown(memberId);
    if (generation !== this.#generation) {
      throw new BrokerError(
        'ILLEGAL_GENERATION',
        `Group ${quote(this.id)} is in generation ${this.#generation}, and not in ${generation}.`,
      );
    }
    member.heard();
    return member;
  }

  #unknown(memberId: string): BrokerError {
    return new BrokerError(
      'UNKNOWN_MEMBER_ID',
      `Group ${quote(this.id)} has no member ${quote(memberId)}: it left, or was silent for its session timeout.`,
    );
  }

  #rebalancing(): BrokerError {
    return new BrokerError(
      'REBALANCE_IN_PROGRESS',
      `Group ${quote(this.id)} is rebalancing, so a rejoin is needed.`,
    );
  }
}

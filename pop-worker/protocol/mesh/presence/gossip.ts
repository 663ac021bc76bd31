import type { TimeUs } from '../../contract.ts';
import type { MeshSink } from '../sink.ts';
import { FrameType, frameOf } from '../wire/frame.ts';
import {
  type Confirmation,
  readConfirmation,
  readDigest,
  readHave,
  readUpdates,
  readWant,
  type Update,
  writeConfirmation,
  writeUpdates,
} from '../wire/presence.ts';
import type { Reader } from '../wire/reader.ts';
import { writeRelay } from '../wire/relay.ts';
import { Claims } from './claims.ts';
import { Comparison } from './comparison.ts';
import { checkKey, compareRecords, EPOCH_END, goneOf, type PresenceRecord, revisionOf } from './record.ts';
import { PresenceTable } from './table.ts';
import { ageOf, type DevicePast, type TicketAge } from './ticket-age.ts';

/** Confirmations that wait for one member at most: it asks again. */
const MOST_CONFIRMATIONS = 10_000;

/** What waits to be told to a member. */
class Outbox {
  /** Keys of records, and whether it is to confirm. */
  readonly updates = new Map<string, boolean>();
  readonly confirmations: Confirmation[] = [];
  readonly comparison: Comparison;

  readonly knowsRevisions: () => boolean;

  /** @param knowsRevisions whether the member's version has revisions of records */
  constructor(table: PresenceTable, knowsRevisions: () => boolean) {
    this.knowsRevisions = knowsRevisions;
    this.comparison = new Comparison(table, knowsRevisions);
  }

  isEmpty(): boolean {
    return this.updates.size === 0 && this.confirmations.length === 0;
  }

  clear(): void {
    this.updates.clear();
    this.confirmations.length = 0;
    this.comparison.clear();
  }
}

export interface GossipParts {
  readonly own: number;
  readonly most: number;
  readonly sink: Pick<MeshSink, 'presence' | 'superseded' | 'settled'>;
  readonly isDead: (member: number, now: TimeUs) => boolean;
  /** Whether a member's version has revisions of records. */
  readonly knowsRevisions: (member: number) => boolean;
  /** Whether anybody does not hear somebody. */
  readonly isSplit: (now: TimeUs) => boolean;
  /** Whether two others do not hear each other, as one of them says. */
  readonly areApart: (a: number, b: number, now: TimeUs) => boolean;
}

/** What has become of records that came. */
export interface GossipCounters {
  received: number;
  stale: number;
  refused: number;
}

/** Who has which device: what members tell each other of it, what is told again, and when a device may be served here. */
export class Gossip {
  readonly table: PresenceTable;
  readonly claims = new Claims();
  /** Something may wait for some member since this was set to false. */
  hasNews = true;
  readonly counters: GossipCounters = { received: 0, stale: 0, refused: 0 };
  /** Devices that came, by what their tickets said. */
  readonly arrivals: Record<TicketAge, number> = { none: 0, current: 0, older: 0, newer: 0, unknown: 0 };
  readonly #parts: GossipParts;
  readonly #outboxes = new Map<number, Outbox>();
  /** Epochs of the devices that are here. */
  readonly #local = new Map<string, number>();

  constructor(parts: GossipParts) {
    this.#parts = parts;
    this.table = new PresenceTable(parts.most);
  }

  get localCount(): number {
    return this.#local.size;
  }

  /** Members other than ourselves. What others had is forgotten, and not waited for. */
  setMembers(members: ReadonlySet<number>, now: TimeUs): void {
    for (const member of this.#outboxes.keys()) {
      if (members.has(member)) continue;
      this.#outboxes.delete(member);
      this.free(member, now);
      this.forget(member, now);
    }
    for (const member of members) {
      if (this.#outboxes.has(member)) continue;
      this.#outboxes.set(member, new Outbox(this.table, () => this.#parts.knowsRevisions(member)));
    }
  }

  /** Forgets where a member that is no more said that devices are. */
  forget(member: number, now: TimeUs): void {
    for (const record of [...this.table.present()]) {
      if (record.member !== member) continue;
      this.table.remove(record.key);
      this.#parts.sink.presence(goneOf(record), now);
    }
  }

  /** There is a new link to a member, or none any more: what waits is found again by comparing. */
  reset(member: number): void {
    this.#outboxes.get(member)?.clear();
  }

  // ---- devices of ours

  /**
   * A device came: its session is confirmed. `settled` says when it may be sent anything.
   *
   * @param data what others need to send it packets
   * @param leastEpoch such as the time: it gets a higher one where more is known
   * @param ticket where it was when it was given the ticket that it came with; undefined: it came with none
   * @returns its epoch @throws RangeError when the key is none
   */
  arrive(key: string, data: Uint8Array, leastEpoch: number, ticket: DevicePast | undefined, now: TimeUs): number {
    checkKey(key);
    const { own, sink, isDead } = this.#parts;
    const known = this.table.get(key);
    const age = ageOf(ticket, known);
    this.arrivals[age]++;
    const from = new Set<number>();
    // Who had it before it was at the place that is known has it no more.
    if (ticket !== undefined && age !== 'older') from.add(ticket.member);
    if (known !== undefined && !known.gone) from.add(known.member);
    for (const member of from) if (!this.#outboxes.has(member) || isDead(member, now)) from.delete(member);
    from.delete(own);
    const least = Math.max(leastEpoch, (known?.epoch ?? 0) + 1, (ticket?.epoch ?? 0) + 1);
    const epoch = Math.min(least, EPOCH_END - 1);
    this.#local.set(key, epoch);
    this.claims.close(key);
    if (from.size > 0) this.claims.open(key, epoch, from, now);
    this.#announce({ key, epoch, member: own, gone: false, data }, now);
    if (from.size === 0) sink.settled(key, epoch, 'new', now);
    return epoch;
  }

  /**
   * What others need to send a device of ours packets is another. That is no move: its epoch stays, and who was asked for it is
   * still waited for. Of a device that is not here, or not any more, nothing is said.
   */
  change(key: string, data: Uint8Array, now: TimeUs): void {
    const epoch = this.#local.get(key);
    const known = this.table.get(key);
    if (epoch === undefined || known?.epoch !== epoch || known.member !== this.#parts.own) return;
    this.#announce({ ...known, data, revision: revisionOf(known) + 1 }, now);
  }

  /** A device of ours left. */
  leave(key: string, now: TimeUs): void {
    const epoch = this.#local.get(key);
    if (epoch === undefined) return;
    this.#local.delete(key);
    this.claims.close(key);
    this.#announce(goneOf({ key, epoch, member: this.#parts.own, gone: false, data: NONE }), now);
  }

  isLocal(key: string): boolean {
    return this.#local.has(key);
  }

  #announce(record: PresenceRecord, now: TimeUs): void {
    this.table.apply(record, now);
    this.hasNews = true;
    for (const [member, { updates }] of this.#outboxes) updates.set(record.key, this.claims.asks(record.key, member));
    this.#parts.sink.presence(record, now);
  }

  /** Nobody waits for a member any more: it is dead, or none. */
  free(member: number, now: TimeUs): void {
    for (const { key, epoch } of this.claims.freed(member)) this.#parts.sink.settled(key, epoch, 'dead', now);
  }

  // ---- what others say

  /** @param from who says so @throws MeshError */
  receive(type: FrameType, reader: Reader, from: number, now: TimeUs): void {
    const outbox = this.#outboxes.get(from);
    if (outbox === undefined) return;
    this.hasNews = true;
    if (type === FrameType.update) for (const update of readUpdates(reader)) this.#learn(update, from, outbox, now);
    else if (type === FrameType.confirm) this.#confirmed(readConfirmation(reader), from, now);
    else if (type === FrameType.digest) outbox.comparison.digest(readDigest(reader));
    else if (type === FrameType.have) outbox.comparison.have(readHave(reader), (key) => this.#tell(key, outbox));
    else for (const key of readWant(reader)) this.#tell(key, outbox);
  }

  #tell(key: string, { updates }: Outbox): void {
    if (this.table.get(key) !== undefined && !updates.has(key)) updates.set(key, false);
  }

  #learn({ record, asks }: Update, from: number, outbox: Outbox, now: TimeUs): void {
    const { counters } = this;
    counters.received++;
    const { own, sink } = this.#parts;
    if (record.member === own) this.#ofOurs(record, now);
    else if (!this.#outboxes.has(record.member)) {
      counters.refused++;
      return;
    } else {
      const applied = this.table.apply(record, now);
      if (applied === 'newer') {
        if (this.#local.delete(record.key)) {
          this.claims.close(record.key);
          sink.superseded(record, now);
        }
        sink.presence(record, now);
        if (from === record.member) this.#handOn(record, from, now);
      } else if (applied === 'older') {
        counters.stale++;
        this.#tell(record.key, outbox);
      } else if (applied === 'full') counters.refused++;
    }
    if (asks && outbox.confirmations.length < MOST_CONFIRMATIONS) this.#answer(record, outbox);
  }

  /** Whoever asks is answered by the epoch that holds here, if that is not ours: then it learns of that. */
  #answer({ key, epoch }: PresenceRecord, { confirmations }: Outbox): void {
    const known = this.table.get(key);
    if (!this.#local.has(key)) confirmations.push({ key, epoch: Math.max(epoch, known?.epoch ?? 0) });
  }

  /** What others say of devices that are here, or are not. */
  #ofOurs(record: PresenceRecord, now: TimeUs): void {
    const known = this.table.get(record.key);
    if (known !== undefined && compareRecords(record, known) <= 0) return;
    const epoch = this.#local.get(record.key);
    if (epoch !== undefined && known !== undefined) {
      // We were here before, with a memory that is gone: what is here now counts more.
      const next = Math.min(record.epoch + 1, EPOCH_END - 1);
      this.#local.set(record.key, next);
      this.#announce({ ...known, epoch: next }, now);
    } else this.#announce(goneOf(record), now);
  }

  /** To those that cannot hear it from whom it is. */
  #handOn({ key }: PresenceRecord, from: number, now: TimeUs): void {
    if (!this.#parts.isSplit(now)) return;
    for (const [member, { updates }] of this.#outboxes) {
      if (member !== from && !updates.has(key) && this.#parts.areApart(member, from, now)) updates.set(key, false);
    }
  }

  #confirmed({ key, epoch }: Confirmation, from: number, now: TimeUs): void {
    const settled = this.claims.confirmed(key, from, epoch);
    if (settled !== undefined) this.#parts.sink.settled(key, settled, 'confirmed', now);
  }

  // ---- time

  run(now: TimeUs): void {
    this.table.expire(now);
    for (const { key, epoch } of this.claims.expired(now)) this.#parts.sink.settled(key, epoch, 'timeout', now);
    for (const { key, member } of this.claims.again(now)) {
      this.hasNews = true;
      this.#outboxes.get(member)?.updates.set(key, true);
    }
  }

  deadline(): TimeUs {
    return Math.min(this.table.deadline(), this.claims.deadline());
  }

  // ---- what is to be sent

  /** Compares with a member from the root on. @returns whether the last time found a difference */
  compare(member: number): boolean {
    const comparison = this.#outboxes.get(member)?.comparison;
    const hasDiffered = comparison?.hasDiffered ?? false;
    // What is under way goes on.
    if (comparison?.isIdle()) {
      comparison.begin();
      this.hasNews = true;
    }
    return hasDiffered;
  }

  /** The next frame for a member on its own link. */
  next(member: number): Uint8Array | undefined {
    const outbox = this.#outboxes.get(member);
    if (outbox === undefined) return undefined;
    const pressing = this.#pressing(outbox);
    if (pressing !== undefined) return frameOf(...pressing);
    return outbox.comparison.next();
  }

  /** The next one for a member through a third. What need not go at once does not go so. */
  nextRelayed(member: number): Uint8Array | undefined {
    const outbox = this.#outboxes.get(member);
    const pressing = outbox && this.#pressing(outbox);
    if (pressing === undefined) return undefined;
    const [type, payload] = pressing;
    return frameOf(FrameType.relay, writeRelay({ from: this.#parts.own, to: member, type, payload }));
  }

  /** Whether anything waits for a member. */
  isBusy(member: number): boolean {
    const outbox = this.#outboxes.get(member);
    return outbox !== undefined && !(outbox.isEmpty() && outbox.comparison.isIdle());
  }

  hasPressing(member: number): boolean {
    return this.#outboxes.get(member)?.isEmpty() === false;
  }

  #pressing(outbox: Outbox): [FrameType, Uint8Array] | undefined {
    const confirmation = outbox.confirmations.shift();
    if (confirmation !== undefined) return [FrameType.confirm, writeConfirmation(confirmation)];
    const { updates, knowsRevisions } = outbox;
    if (updates.size === 0) return undefined;
    const written = ({ record }: Update): void => void updates.delete(record.key);
    const payload = writeUpdates(this.#due(updates), written, knowsRevisions());
    return payload.length === 0 ? undefined : [FrameType.update, payload];
  }

  *#due(updates: Map<string, boolean>): Generator<Update> {
    for (const [key, asks] of updates) {
      const record = this.table.get(key);
      if (record === undefined) updates.delete(key);
      else yield { record, asks };
    }
  }
}

const NONE = new Uint8Array();

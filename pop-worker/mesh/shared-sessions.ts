import { randomInt } from 'node:crypto';
import { frameError } from '#protocol/mesh/errors.ts';
import { writeKey } from '#protocol/mesh/presence/record.ts';
import { FrameType, frameOf } from '#protocol/mesh/wire/frame.ts';
import { Writer } from '#protocol/mesh/wire/writer.ts';
import { PAIR_BYTES } from '#protocol/nat/pairs.ts';
import { Replicas } from '#protocol/nat/replicas.ts';
import { FLOW_BYTES, readSections, type Section, SectionFlag, SectionWriter } from '#protocol/nat/wire.ts';
import { ranked } from './buddies.ts';

/** Members that keep the sessions of a device besides who has it. */
const BUDDIES = 2;
/** Whoever has a device leaves itself out when it chooses, so one more may have them. */
const ASKED = BUDDIES + 1;
/** What nobody has had for so long is forgotten: as long as presence remembers who is gone. */
const GONE_MS = 600_000;
const FORGET_EVERY_MS = 10_000;
/** For so long after a device has left a thread may yet say what it had. */
const LATE_MS = 10_000;
const KEY_FRAME_BYTES = 128;
/** Devices of which one member's questions may wait for their answers; each once, however often it asks. */
const MOST_ASKED = 65_536;
/** Devices of which all is told again in one turn. */
const TURN_DEVICES = 32;

/** What of devices is shared: in which frames it goes, and how many bytes one entry has. */
export interface SharedKind {
  readonly tell: FrameType;
  readonly ask: FrameType;
  readonly entryBytes: number;
}

/** Sessions of devices whose IPv4 is translated. */
export const SESSIONS: SharedKind = { tell: FrameType.sessions, ask: FrameType.ask, entryBytes: FLOW_BYTES };
/** Whom devices talk to by IPv6 that is routed: who may send them something. */
export const FILTERS: SharedKind = { tell: FrameType.filters, ask: FrameType.askFilters, entryBytes: PAIR_BYTES };

export interface SharedSessionsParts {
  readonly kind: SharedKind;
  readonly own: number;
  /** All members, ourselves included or not. */
  readonly members: () => Iterable<number>;
  readonly isReady: (member: number) => boolean;
  /** Whether a member's stream takes more that can wait. */
  readonly room: (member: number) => boolean;
  readonly send: (member: number, frame: Uint8Array) => void;
  /** To a data-plane thread. @returns false when it takes nothing now */
  readonly toThread: (thread: number, message: Uint8Array) => boolean;
}

/** Sessions of devices, or filters: kept by us for others and by others for us, and had when a device comes. */
export class SharedSessions {
  readonly replicas: Replicas;
  readonly counters = { sent: 0, received: 0, asked: 0, answered: 0, lost: 0, unanswered: 0 };
  readonly #parts: SharedSessionsParts;
  /** Devices that are here, and at which thread. */
  readonly #here = new Map<string, number>();
  /** Devices that were here until lately, and who has them by now, as far as that is known. */
  readonly #left = new Map<string, { readonly heir: number | undefined; readonly at: number }>();
  readonly #writers = new Map<number, SectionWriter>();
  readonly #late: SectionWriter;
  #forgetAt = 0;
  /** Whom all is to be told of: members that have just come. */
  readonly #resync: { readonly member: number; readonly keys: string[] }[] = [];
  /** By member: of which devices it is to be told for it has asked, as they came. */
  readonly #questions = new Map<number, Set<string>>();

  constructor(parts: SharedSessionsParts) {
    this.#parts = parts;
    this.#late = new SectionWriter(parts.kind.entryBytes);
    this.replicas = new Replicas(undefined, parts.kind.entryBytes, { k0: randomInt(2 ** 32), k1: randomInt(2 ** 32) });
  }

  #buddies(key: string, count: number): number[] {
    const { members, own } = this.#parts;
    return ranked(key, members(), own, count);
  }

  /** A thread of ours says what became of sessions. */
  fromThread(buffer: Uint8Array, start: number, end: number): void {
    const take = (section: Section): void => {
      const heir = this.#left.get(section.key)?.heir;
      if (heir !== undefined) {
        this.#gather(heir, section, buffer);
        return;
      }
      this.replicas.apply(section, buffer);
      for (const member of this.#buddies(section.key, BUDDIES)) this.#gather(member, section, buffer);
    };
    readSections(buffer, start, end, take, this.#parts.kind.entryBytes);
    this.#flushAll();
  }

  #gather(member: number, section: Section, buffer: Uint8Array): void {
    const { entryBytes } = this.#parts.kind;
    let writer = this.#writers.get(member);
    if (writer === undefined) {
      writer = new SectionWriter(entryBytes);
      this.#writers.set(member, writer);
    }
    if (!writer.begin(section, section.flags)) {
      this.#flush(member, writer);
      writer.begin(section, section.flags);
    }
    for (let i = 0; i < section.count; i++) {
      if (writer.addBytes(buffer, section.at + i * entryBytes)) continue;
      this.#flush(member, writer);
      writer.begin(section, 0);
      writer.addBytes(buffer, section.at + i * entryBytes);
    }
  }

  #flushAll(): void {
    for (const [member, writer] of this.#writers) this.#flush(member, writer);
  }

  #flush(member: number, writer: SectionWriter): void {
    if (writer.length === 0) return;
    this.#send(member, writer.take());
  }

  /** Who is not there now is told all when it is. */
  #send(member: number, message: Uint8Array): void {
    if (!this.#parts.isReady(member)) return;
    this.counters.sent++;
    this.#parts.send(member, frameOf(this.#parts.kind.tell, message));
  }

  /** A device came to a thread of ours: what is known of its sessions goes there, or is asked for. */
  attached(key: string, thread: number): void {
    this.#here.set(key, thread);
    this.#left.delete(key);
    this.replicas.mark(key, false, 0);
    if (this.replicas.has(key)) {
      this.#tellThread(key, thread);
      for (const member of this.#buddies(key, BUDDIES))
        this.replicas.tellAll(key, (message) => this.#send(member, message));
      return;
    }
    const out = new Writer(KEY_FRAME_BYTES);
    writeKey(out, key);
    const question = frameOf(this.#parts.kind.ask, out.finish());
    for (const member of this.#buddies(key, ASKED)) {
      if (!this.#parts.isReady(member)) continue;
      this.counters.asked++;
      this.#parts.send(member, question);
    }
  }

  #tellThread(key: string, thread: number): void {
    this.replicas.tellAll(key, (message) => {
      if (!this.#parts.toThread(thread, message)) this.counters.lost++;
    });
  }

  detached(key: string, nowMs: number): void {
    if (this.#here.delete(key)) this.#left.set(key, { heir: undefined, at: nowMs });
    this.replicas.mark(key, true, nowMs);
  }

  /** Where a device is, as presence has it. Of one that others keep we know what it had here: that grows old. */
  seen(key: string, at: number, isGone: boolean, nowMs: number): void {
    const { own, members } = this.#parts;
    if (this.#left.has(key)) this.#left.set(key, { heir: isGone || at === own ? undefined : at, at: nowMs });
    if (at === own || this.#here.has(key) || !this.replicas.has(key)) return;
    if (isGone || ranked(key, [...members(), own], at, BUDDIES).includes(own)) this.replicas.mark(key, isGone, nowMs);
    else this.replicas.forget(key);
  }

  /** A member tells sessions. @throws MeshError */
  receive(payload: Uint8Array): void {
    const complete: string[] = [];
    const take = (section: Section): void => {
      const thread = this.#here.get(section.key);
      // Of a device of ours others know what we told them; only an answer to our question is news.
      if (thread !== undefined && this.replicas.has(section.key) && (section.flags & SectionFlag.first) !== 0) return;
      this.replicas.apply(section, payload);
      if (thread === undefined) return;
      if ((section.flags & SectionFlag.last) !== 0) complete.push(section.key);
      else if (section.flags === 0) this.#inherit(section, payload, thread);
    };
    if (!readSections(payload, 0, payload.length, take, this.#parts.kind.entryBytes))
      throw frameError('sessions of devices that cannot be read came');
    this.#flushAll();
    this.counters.received++;
    for (const key of complete) this.attached(key, this.#here.get(key) as number);
  }

  /** What a device of ours had a moment before it came, of where it was. */
  #inherit(section: Section, payload: Uint8Array, thread: number): void {
    const { kind, toThread } = this.#parts;
    const late = this.#late;
    const tell = (): void => {
      if (!toThread(thread, late.take())) this.counters.lost++;
    };
    late.begin(section, 0);
    for (let i = 0; i < section.count; i++) {
      const at = section.at + i * kind.entryBytes;
      if (late.addBytes(payload, at)) continue;
      tell();
      late.begin(section, 0);
      late.addBytes(payload, at);
    }
    tell();
    for (const member of this.#buddies(section.key, BUDDIES)) this.#gather(member, section, payload);
  }

  /** A member asks for a device's sessions; who knows nothing says nothing. The answer waits until there is room for it. */
  asked(member: number, key: string): void {
    if (!this.replicas.has(key)) return;
    const keys = this.#questions.get(member) ?? new Set();
    if (keys.size >= MOST_ASKED && !keys.has(key)) {
      this.counters.unanswered++;
      return;
    }
    this.#questions.set(member, keys.add(key));
    this.#answer(member, keys);
  }

  #answer(member: number, keys: Set<string>): void {
    const { isReady, room } = this.#parts;
    for (const key of keys) {
      if (isReady(member) && !room(member)) return;
      keys.delete(key);
      this.replicas.tellAll(key, (message) => {
        this.counters.answered++;
        this.#send(member, message);
      });
    }
    this.#questions.delete(member);
  }

  /** There is a link to a member: it is told everything that it is to keep. */
  linked(member: number): void {
    const keys = [...this.#here.keys()].filter(
      (key) => this.replicas.has(key) && this.#buddies(key, BUDDIES).includes(member),
    );
    const at = this.#resync.findIndex((one) => one.member === member);
    if (at >= 0) this.#resync.splice(at, 1);
    if (keys.length > 0) this.#resync.push({ member, keys });
  }

  /** Whether somebody is still to be told. */
  get isBusy(): boolean {
    return this.#resync.length > 0 || this.#questions.size > 0;
  }

  /** Tells on, as far as there is room. @param nowMs of any clock that never goes back */
  run(nowMs: number): void {
    if (nowMs >= this.#forgetAt) {
      this.#forgetAt = nowMs + FORGET_EVERY_MS;
      this.replicas.forgetGone(nowMs - GONE_MS);
      for (const [key, { at }] of this.#left) if (at < nowMs - LATE_MS) this.#left.delete(key);
    }
    for (const [member, keys] of this.#questions) this.#answer(member, keys);
    for (const { member, keys } of this.#resync) {
      for (let i = 0; i < TURN_DEVICES && keys.length > 0; i++) {
        if (!this.#parts.isReady(member) || !this.#parts.room(member)) break;
        this.replicas.tellAll(keys.pop() as string, (message) => this.#send(member, message));
      }
    }
    const left = this.#resync.filter(({ keys }) => keys.length > 0);
    this.#resync.splice(0, this.#resync.length, ...left);
  }
}

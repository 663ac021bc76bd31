import type { Random } from '#protocol/contract.ts';
import { Fragment, type IpView } from '#protocol/ip/view.ts';
import { NatDrop } from '#protocol/nat/counters.ts';
import { Fragments } from '#protocol/nat/fragments.ts';
import { type FlowFields, Nat44 } from '#protocol/nat/nat.ts';
import { Pool } from '#protocol/nat/pool.ts';
import { readAddress, replaceAddress } from '#protocol/nat/rewrite.ts';
import {
  FLOW_BYTES,
  readFlow,
  readSections,
  type Section,
  SectionFlag,
  type SectionHead,
  SectionWriter,
} from '#protocol/nat/wire.ts';
import type { RemoteSession } from '../forward/remote-sessions.ts';
import type { Session } from '../forward/session.ts';
import { prefixOf } from '../prefix-of.ts';
import { Blocks } from './blocks.ts';
import type { NatSetup } from './setup.ts';

/** A device that came from another worker is told which sessions it has within so long, or begins without them. */
const WAIT_MS = 250;
/** So long its sessions are taken up from outside, too. */
const PICK_UP_SECONDS = 60;
const NOBODY = -1;

export interface EgressNatParts {
  readonly setup: NatSetup;
  readonly thread: number;
  readonly threads: number;
  readonly random: Random;
  /** Tells sessions to whoever keeps them for other workers. @returns false when it is not taken now */
  readonly send: (message: Uint8Array) => boolean;
  /** A session of ours has another block now. */
  readonly reassigned: (session: Session) => void;
}

/** A device whose translations this thread has. */
interface Owned {
  readonly owner: number;
  readonly block: number;
  readonly head: SectionHead;
  /** Undefined: it has left, and may come back. */
  session: Session | undefined;
  /** Whether the block was given here, not elsewhere before. */
  readonly isGiven: boolean;
}

const keyOf = ({ tenant, device }: { readonly tenant: string; readonly device: string }): string =>
  `${tenant}/${device}`;

/** IPv4 of devices by outside addresses: who has which block, translations of those that are here, what others are told of them. */
export class EgressNat {
  readonly nat: Nat44;
  readonly blocks: Blocks;
  /** A session of ours has what its device had elsewhere, or begins without. */
  begun: (session: Session) => void = () => {};
  readonly counters = { withoutBlock: 0, conflicts: 0, told: 0, untold: 0, adopted: 0 };
  readonly #pool: Pool;
  readonly #parts: EgressNatParts;
  /** By block: a session of ours, or a target of another thread's or worker's; `NOBODY`. */
  readonly #targets: Int32Array;
  readonly #owned = new Map<string, Owned>();
  readonly #byOwner: (Owned | undefined)[] = [];
  readonly #elsewhere = new Map<string, { readonly block: number; readonly target: number }>();
  readonly #byTarget = new Map<number, string>();
  readonly #waiting = new Map<Owned, number>();
  readonly #writer = new SectionWriter();
  readonly #fragments = new Fragments();
  readonly #flow: FlowFields = {
    ...{ protocol: 0, state: 0, innerAddress: 0, innerPort: 0, outerPort: 0, remoteAddress: 0, remotePort: 0 },
  };
  /** Something could not be told: all is to be told again. */
  #isBehind = false;
  #nowMs = 0;

  /** @throws RangeError for prefixes that are no pool */
  constructor(parts: EgressNatParts) {
    const { setup, thread, threads, random } = parts;
    this.#parts = parts;
    this.#pool = new Pool(setup.fleet.map(prefixOf), setup.ports);
    const own = setup.own.flatMap((text) => [...this.#pool.blocksOf(prefixOf(text))]);
    this.blocks = new Blocks(own.filter((_, i) => i % threads === thread));
    this.#targets = new Int32Array(this.#pool.blocks).fill(NOBODY);
    this.nat = new Nat44({
      ...{ pool: this.#pool, random },
      ...(setup.isShared && { tell: (owner: number, flow: FlowFields) => this.#tell(owner, flow) }),
    });
  }

  // ---- sessions

  /** A session of ours may send; once more when all threads have heard of it. */
  attach(session: Session): void {
    const key = keyOf(session);
    this.#forget(session, key);
    const owned = this.#owned.get(key) ?? this.#own(session, key);
    if (owned === undefined) {
      this.counters.withoutBlock++;
      return;
    }
    owned.session = session;
    session.nat = owned.owner;
    session.outside = owned.head;
    this.blocks.hold(key, owned.block);
    this.#targets[owned.block] = session.id;
  }

  /** A device that is back from elsewhere so soon that its former session is still there goes on with what it had there. */
  #forget(session: Session, key: string): void {
    const owned = this.#owned.get(key);
    const former = owned?.session;
    if (owned === undefined || former === undefined || former === session) return;
    if (former.hasMoved && this.#elsewhere.has(key)) this.#disown(key, owned);
  }

  #own({ tenant, device }: Session, key: string): Owned | undefined {
    const known = this.#elsewhere.get(key)?.block ?? this.blocks.heldFor(key);
    const block = known ?? this.blocks.give(key);
    if (block === undefined) return undefined;
    const pool = this.#pool;
    const head = {
      key: keyOf({ tenant, device }),
      ...{ address: pool.addressOf(block), port: pool.portOf(block), ports: pool.blockPorts },
    };
    const { owners, now } = this.nat;
    const owned = { owner: owners.open(block), block, head, session: undefined, isGiven: known === undefined };
    this.#owned.set(key, owned);
    this.#byOwner[owned.owner] = owned;
    if (known !== undefined) {
      this.counters.adopted++;
      owners.setPickUpUntil(owned.owner, now + PICK_UP_SECONDS);
      if (this.#parts.setup.isShared) {
        owners.setWaiting(owned.owner, true);
        this.#waiting.set(owned, this.#nowMs + WAIT_MS);
      }
    }
    return owned;
  }

  /** A session of ours is over: what its device has stays for a while, unless the device is elsewhere. */
  detach(session: Session): void {
    const key = keyOf(session);
    const owned = this.#owned.get(key);
    session.nat = NOBODY;
    if (owned === undefined || owned.session !== session) return;
    owned.session = undefined;
    if (this.#elsewhere.has(key)) this.#disown(key, owned);
    else {
      this.#targets[owned.block] = NOBODY;
      this.blocks.leave(key, owned.block, this.nat.now);
    }
  }

  #disown(key: string, owned: Owned): void {
    if (owned.session !== undefined) owned.session.nat = NOBODY;
    this.nat.close(owned.owner);
    this.#owned.delete(key);
    this.#waiting.delete(owned);
    this.#byOwner[owned.owner] = undefined;
  }

  /** A session came to another thread, or another worker. @param target of routes that lead there */
  attachRemote(session: RemoteSession, target: number): void {
    const { outside } = session;
    const block = outside === undefined ? NOBODY : this.#pool.blockOf(outside.address, outside.port);
    if (block < 0) return;
    const key = keyOf(session);
    this.#tellLast(key);
    this.#settle(block, key);
    this.#byTarget.set(target, key);
    this.#elsewhere.set(key, { block, target });
    this.blocks.hold(key, block);
    this.#targets[block] = target;
    const owned = this.#owned.get(key);
    // With a session of ours it may yet be that this is older news.
    if (owned !== undefined && owned.session === undefined) this.#disown(key, owned);
  }

  /** A device goes elsewhere: what is not told yet of what it has here is, while that still counts. */
  #tellLast(key: string): void {
    const owned = this.#owned.get(key);
    if (owned?.session === undefined) return;
    if (this.#parts.setup.isShared) this.nat.telling.young(owned.owner);
    this.#send();
  }

  /** Of two devices with one block, as after a start without memory, the one that was given it here gets another. */
  #settle(block: number, key: string): void {
    const other = this.blocks.holder(block);
    const owned = other === undefined || other === key ? undefined : this.#owned.get(other);
    if (other === undefined || owned === undefined || !owned.isGiven || owned.block !== block) return;
    this.counters.conflicts++;
    const { session } = owned;
    this.#disown(other, owned);
    this.blocks.hold(key, block);
    if (session === undefined) return;
    this.attach(session);
    this.#parts.reassigned(session);
  }

  detachRemote(target: number): void {
    const key = this.#byTarget.get(target);
    this.#byTarget.delete(target);
    const known = key === undefined ? undefined : this.#elsewhere.get(key);
    if (key === undefined || known?.target !== target) return;
    this.#elsewhere.delete(key);
    const owned = this.#owned.get(key);
    if (owned?.session !== undefined) {
      this.#targets[owned.block] = owned.session.id;
      this.#isBehind = true;
      if (owned.block === known.block) return;
    }
    if (this.#targets[known.block] === target) this.#targets[known.block] = NOBODY;
    this.blocks.leave(key, known.block, this.nat.now);
  }

  get devices(): number {
    return this.#owned.size;
  }

  // ---- packets

  /** Translates a packet of a session, in place. */
  outbound({ nat }: Session, buffer: Uint8Array, view: IpView): NatDrop {
    return nat < 0 ? NatDrop.exhausted : this.nat.outbound(nat, buffer, view);
  }

  /** Whether an address is an outside one, of whichever worker. */
  contains(buffer: Uint8Array, at: number): boolean {
    return this.#pool.contains(readAddress(buffer, at));
  }

  /** Whom a packet from outside is for: a session of ours, a target elsewhere, or -1. */
  targetOf(buffer: Uint8Array, view: IpView): number {
    if (view.fragment === Fragment.later) return this.#ofFragment(buffer, view);
    const block = this.nat.blockOf(buffer, view);
    const target = block < 0 ? NOBODY : (this.#targets[block] as number);
    if (view.fragment === Fragment.first && target >= 0) this.#note(buffer, view, target, 0);
    return target;
  }

  #idOf(buffer: Uint8Array, view: IpView): number {
    const at = view.start + 4;
    return (((buffer[at] as number) << 16) | ((buffer[at + 1] as number) << 8) | view.protocol) >>> 0;
  }

  #note(buffer: Uint8Array, view: IpView, target: number, inner: number): void {
    const source = readAddress(buffer, view.sourceAt);
    const destination = readAddress(buffer, view.destinationAt);
    this.#fragments.note(source, destination, this.#idOf(buffer, view), target, inner, this.nat.now);
  }

  #ofFragment(buffer: Uint8Array, view: IpView): number {
    const source = readAddress(buffer, view.sourceAt);
    const destination = readAddress(buffer, view.destinationAt);
    return this.#fragments.find(source, destination, this.#idOf(buffer, view), this.nat.now);
  }

  /** Whether a packet is let in to a session of ours; `admit` is to follow. */
  find(session: Session, buffer: Uint8Array, view: IpView): NatDrop {
    if (session.nat < 0) return NatDrop.noMapping;
    if (view.fragment === Fragment.later) {
      const isOurs = this.#ofFragment(buffer, view) === session.id && this.#fragments.inner !== 0;
      return isOurs ? NatDrop.none : NatDrop.noMapping;
    }
    const drop = this.nat.find(session.nat, buffer, view);
    if (drop === NatDrop.none && view.fragment === Fragment.first) {
      this.#note(buffer, view, session.id, this.nat.foundAddress);
    }
    return drop;
  }

  admit(session: Session, buffer: Uint8Array, view: IpView): void {
    if (view.fragment === Fragment.later) replaceAddress(buffer, view, view.destinationAt, this.#fragments.inner);
    else this.nat.admit(session.nat, buffer, view);
  }

  // ---- what workers tell each other

  #tell(owner: number, flow: FlowFields): void {
    const owned = this.#byOwner[owner];
    // Who is elsewhere by now has his sessions there.
    if (owned?.session === undefined || this.#targets[owned.block] !== owned.session.id) return;
    this.counters.told++;
    if (this.#writer.add(owned.head, flow)) return;
    this.#send();
    this.#writer.add(owned.head, flow);
  }

  #send(): void {
    if (this.#writer.length === 0 || this.#parts.send(this.#writer.take())) return;
    this.counters.untold++;
    this.#isBehind = true;
  }

  /** What was told of devices that came here. @returns false when the bytes are no message */
  take(buffer: Uint8Array, start: number, end: number): boolean {
    return readSections(buffer, start, end, (section) => this.#restore(section, buffer));
  }

  #restore({ key, address, port, at, count, flags }: Section, buffer: Uint8Array): void {
    const owned = this.#owned.get(key);
    if (owned === undefined) return;
    if (owned.head.address === address && owned.head.port === port) {
      for (let i = 0; i < count; i++) {
        readFlow(buffer, at + i * FLOW_BYTES, this.#flow);
        if (this.#flow.state > 0) this.nat.restore(owned.owner, this.#flow);
      }
    }
    if ((flags & SectionFlag.last) !== 0) this.#begin(owned);
  }

  #begin(owned: Owned): void {
    this.#waiting.delete(owned);
    this.nat.owners.setWaiting(owned.owner, false);
    if (owned.session !== undefined) this.begun(owned.session);
  }

  /** Some time has passed: to be called ten times a second. @param nowMs of any clock that never goes back */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    const { nat } = this;
    const now = Math.floor(nowMs / 1000);
    if (now !== nat.now) {
      nat.now = now;
      for (const key of this.blocks.expire(now)) {
        const owned = this.#owned.get(key);
        if (owned !== undefined && owned.session === undefined) this.#disown(key, owned);
      }
    }
    for (const [owned, until] of this.#waiting) if (until <= nowMs) this.#begin(owned);
    nat.sweep(Math.max(64, nat.flows.end >>> 5));
    if (this.#isBehind) this.#tellAll();
    this.#send();
  }

  #tellAll(): void {
    this.#isBehind = false;
    this.nat.telling.all();
  }
}

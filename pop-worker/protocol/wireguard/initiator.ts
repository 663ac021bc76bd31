import type { TimeUs } from '../contract.ts';
import { GLANCE_US, type Question, type Verdict } from './anycast/questions.ts';
import { FACTOR, UnvalidatedSource } from './anycast/unvalidated.ts';
import type { Device } from './device.ts';
import { Drop } from './drop.ts';
import { Endpoint } from './endpoint.ts';
import { Keypair } from './keypairs.ts';
import { MOST_ATTEMPTS, REKEY_TIMEOUT_US, ZERO_KEYS_US } from './limits.ts';
import type { Peer, Pending } from './peer.ts';
import type { Identity, PeerKeys } from './ports.ts';
import { TAI64N_BYTES, writeTai64n } from './tai64n.ts';
import { INITIATION, INITIATION_BYTES } from './wire/initiation.ts';
import { MessageType, readWord, writeWord } from './wire/message.ts';
import { RESPONSE } from './wire/response.ts';

const timestamp = new Uint8Array(TAI64N_BYTES);

/** A peer that was heard within this is here: nobody else is begun with in its name. */
const HEARD_US = 2e6;

/** Data of the session before is under way for so long after a handshake. */
const ON_ITS_WAY_US = 250_000;

/** Handshakes that we begin. */
export class Initiator {
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Begins a handshake with where the peer is known to be, unless one was begun or answered in the last five seconds. */
  begin(peer: Peer, now: TimeUs): void {
    if (!peer.endpoint.isKnown) return;
    // Somebody wants it still: the ninety seconds count from now, also of an attempt that is under way.
    peer.attempts = 0;
    if (now - peer.lastHandshakeSentAt >= REKEY_TIMEOUT_US) this.#sendToKnown(peer, now);
    else if (peer.staged.size > 0 && peer.pending === undefined) this.#device.timed(peer, 'handshakeHeldBack', now);
  }

  /** Packets have waited for the end of those five seconds. */
  serveStaged(peer: Peer, now: TimeUs): void {
    if (peer.staged.size > 0 && peer.pending === undefined) this.begin(peer, now);
  }

  /** Begins a handshake with where the peer is known to be, whatever was begun before. */
  renew(peer: Peer, now: TimeUs): void {
    if (!peer.endpoint.isKnown) return;
    peer.attempts = 0;
    this.#sendToKnown(peer, now);
  }

  /** No response came: once more, by the other of our keys if there are two, until the attempt has lasted ninety seconds. */
  retry(peer: Peer, now: TimeUs): void {
    if (peer.pending === undefined) return;
    if (peer.attempts > MOST_ATTEMPTS) {
      this.#giveUp(peer, now);
      return;
    }
    peer.attempts++;
    this.#sendToKnown(peer, now);
  }

  /**
   * Data of a session that is not held here came for a peer of ours: its packets may have been another worker's until
   * now, and a new handshake serves it again without its own fifteen seconds. The peer's endpoint does not move by this. So may a
   * response to what we have not begun: another worker has, and left it to us. Where a worker has its session, that one is asked
   * first whether it is the peer who sent it.
   *
   * @param knows of a response: the key of ours that its sender knows, by its mac1
   * @returns what is to be asked with it
   */
  onUnknown(
    peer: Peer,
    knows: Identity | undefined,
    words: Int32Array,
    at: number,
    bytes: number,
    now: TimeUs,
  ): Question | undefined {
    const { questions, options } = this.#device;
    const source = this.#sourceOf(peer);
    const holder = options.sink.holder?.(peer);
    if (holder === undefined) source.release();
    const isFrom = source.count(words, at, bytes, now);
    if (isFrom && knows !== undefined) source.knows = knows;
    if (!this.#isWanted(peer, now)) {
      if (holder === undefined && knows === undefined) this.onStray(peer, words, at, now);
      return undefined;
    }
    if (holder !== undefined && !(isFrom && source.isVouchedFor(now)))
      return questions.ask(peer, holder, words, at, bytes, knows, now);
    const isExpected = holder !== undefined || options.sink.isOrphaned?.(peer) === true;
    this.#beginThere(peer, knows !== undefined, isExpected, now);
    return undefined;
  }

  /**
   * A peer that is here sends data by a session that is not, be it by way of another worker: one that had it before has made one
   * more with it, and it cannot know better. It is asked anew, at its own endpoint, whoever sent that in its name.
   */
  onStray(peer: Peer, words: Int32Array, at: number, now: TimeUs): void {
    const { options, anew } = this.#device;
    if (options.isAnycast !== true || options.sink.isHere?.(peer) !== true || !peer.endpoint.isAt(words, at)) return;
    // What was on its way says nothing yet.
    const { lastHandshakeAt, askedAnew } = peer;
    if (lastHandshakeAt === undefined || now - lastHandshakeAt < ON_ITS_WAY_US) return;
    if (!askedAnew.mayAsk(now) || !anew.take(now)) return;
    askedAnew.asked(now);
    this.renew(peer, now);
  }

  /** The worker that was asked has said what it has to say. */
  onAnswer(holder: number, number: number, verdict: Verdict, now: TimeUs): void {
    const question = this.#device.questions.answered(number, holder, verdict);
    if (question === undefined || verdict === 'forged') return;
    if (verdict === 'absent') this.#beginUnvouched(question, false, now);
    else if (this.#isThere(question)) {
      const { peer, words, bytes, knows } = question;
      const source = this.#sourceOf(peer);
      source.vouch(words, bytes, now);
      if (knows !== undefined) source.knows = knows;
      if (this.#isWanted(peer, now)) this.#beginThere(peer, knows !== undefined, true, now);
    }
  }

  /** It said nothing yet. A worker is silent by losing one answer, and gone when nothing at all is heard of it. */
  onSilence(question: Question, now: TimeUs): void {
    const { questions, options } = this.#device;
    const { peer, holder } = question;
    const silentFrom = options.sink.silentFrom?.(holder) ?? now;
    const isHeard = options.sink.holder?.(peer) === holder && silentFrom > now;
    if (isHeard || !question.isDue) {
      question.isDue = !isHeard;
      questions.waits(question, isHeard ? silentFrom : now + GLANCE_US, now);
    } else {
      questions.counters.silent++;
      this.#beginUnvouched(question, true, now);
    }
  }

  /** Nobody can vouch for it: as where no worker has a session. Whoever is known to have it by now is asked with what comes next. */
  #beginUnvouched(question: Question, isOrphaned: boolean, now: TimeUs): void {
    const { peer, holder, words, bytes, knows } = question;
    const source = this.#sourceOf(peer);
    const other = this.#device.options.sink.holder?.(peer) ?? holder;
    if (!this.#isThere(question) || other !== holder) return;
    if (!source.endpoint.isAt(words, 0)) source.count(words, 0, bytes, now);
    if (knows !== undefined) source.knows = knows;
    if (this.#isWanted(peer, now)) this.#beginThere(peer, knows !== undefined, isOrphaned, now);
  }

  #isThere({ peer }: Question): boolean {
    return this.#device.peers.get(peer.number) === peer;
  }

  #sourceOf(peer: Peer): UnvalidatedSource {
    peer.unvalidated ??= new UnvalidatedSource();
    return peer.unvalidated;
  }

  /** Who is here is nowhere else: what we sent to whoever says so would, brought to the peer, have it look for us there. */
  #isWanted(peer: Peer, now: TimeUs): boolean {
    const { isAnycast = false, sink } = this.#device.options;
    return isAnycast && now - peer.heardAt >= HEARD_US && sink.isHere?.(peer) !== true;
  }

  /**
   * @param hasAnswered it takes no initiation so soon after the one that it has just answered
   * @param isExpected the worker that has its session vouches for it, or is gone, so that the peer has to come
   */
  #beginThere(peer: Peer, hasAnswered: boolean, isExpected: boolean, now: TimeUs): void {
    const factor = isExpected ? FACTOR.ofExpected : FACTOR.ofAnybody;
    if (!hasAnswered) {
      // With two keys of ours nothing tells which one it knows.
      while (this.#mayBegin(peer, factor, now)) this.beginUnvalidated(peer, now);
    } else if (this.#mayBegin(peer, factor, now)) this.#device.later.add(peer, now);
  }

  #mayBegin(peer: Peer, factor: number, now: TimeUs): boolean {
    const { own, unanswered, vouched } = this.#device;
    const source = this.#sourceOf(peer);
    if (!source.mayBegin(now, own.count, factor)) return false;
    if (!(source.isVouchedFor(now) ? vouched : unanswered).take(now)) return false;
    source.spend(now, factor);
    return true;
  }

  /** …a moment after it was to be begun with: it may have become known here meanwhile. */
  beginLater(peer: Peer, now: TimeUs): void {
    if (this.#isWanted(peer, now)) this.beginUnvalidated(peer, now);
  }

  /** Begins with a source that nothing vouches for, unless it has become known meanwhile. */
  beginUnvalidated(peer: Peer, now: TimeUs): void {
    const source = peer.unvalidated;
    if (source === undefined) return;
    const keys = this.#device.own.keysFor(peer, source.turn, source.knows);
    source.sent(this.#send(peer, keys, source.endpoint, now), now);
  }

  /** @param at offset of the response @param from the descriptor that it came with, at `words` */
  onResponse(peer: Peer, bytes: Uint8Array, at: number, words: Int32Array, from: number, now: TimeUs): Drop {
    const device = this.#device;
    const index = readWord(bytes, at + RESPONSE.receiver);
    const pending = peer.awaited(index, now);
    if (pending === undefined) return Drop.unknownIndex;
    const keys = device.options.ports.handshake.readResponse(pending.state, pending.keys, bytes, at);
    if (keys === undefined) return Drop.handshake;
    const own = pending.keys.identity;
    peer.keypairs.addInitiated(new Keypair(index, readWord(bytes, at + RESPONSE.sender), { keys, own }, true, now));
    peer.cameBy(own);
    peer.forgetPending();
    peer.forgetUnvalidated();
    // An answer to what was never sent before is no replay.
    if (peer.endpoint.follow(words, from)) device.options.sink.moved(peer);
    peer.attempts = 0;
    peer.sentLastMinuteHandshake = false;
    peer.lastHandshakeAt = now;
    device.totals.sessions++;
    for (const event of ['authenticatedReceived', 'sessionDerived', 'handshakeComplete'] as const)
      device.timed(peer, event, now);
    // Staged packets, or else a keepalive, show the peer that we have the keys.
    device.keepalive(peer);
    device.options.sink.answered?.(peer);
    return Drop.none;
  }

  #sendToKnown(peer: Peer, now: TimeUs): void {
    peer.forgetPending();
    peer.pending = this.#send(peer, this.#device.own.keysFor(peer, peer.attempts), peer.endpoint, now);
    peer.lastHandshakeSentAt = now;
    this.#device.timed(peer, 'authenticatedSent', now);
    this.#device.timed(peer, 'handshakeInitiated', now);
  }

  #send(peer: Peer, keys: PeerKeys, to: Endpoint, now: TimeUs): Pending {
    const device = this.#device;
    const bytes = new Uint8Array(INITIATION_BYTES);
    const index = peer.newIndex();
    writeWord(bytes, 0, MessageType.initiation);
    writeWord(bytes, INITIATION.sender, index);
    writeTai64n(device.clock.next(), timestamp, 0);
    const state = device.options.ports.handshake.initiate(keys, timestamp, bytes, 0);
    peer.cookies.sign(keys, bytes, INITIATION.mac1, now);
    const target = new Endpoint();
    target.copy(to);
    if (device.send(bytes, target)) {
      device.countSent(peer, bytes.length);
      device.totals.initiationsSent++;
    }
    return { index, state, keys, tries: 0 };
  }

  #giveUp(peer: Peer, now: TimeUs): void {
    peer.forgetPending();
    this.#device.drop(Drop.staged, peer.staged.clear());
    peer.timers.giveUp(now + ZERO_KEYS_US);
  }
}

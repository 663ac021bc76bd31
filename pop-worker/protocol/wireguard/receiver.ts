import { type Burst, D_ECN, D_LENGTH, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS, ecnOf } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { packetLength } from './allowed-ips.ts';
import type { Verdict } from './anycast/questions.ts';
import type { Waiting } from './backlog.ts';
import { isMac2Given } from './cookies/checker.ts';
import type { Device } from './device.ts';
import { Drop } from './drop.ts';
import { tellCongestion } from './ecn.ts';
import type { Initiator } from './initiator.ts';
import { isRejected, type Keypair } from './keypairs.ts';
import { LAST_MINUTE_US } from './limits.ts';
import { P_LENGTH, P_OFFSET, P_PEER, PACKET_WORDS } from './options.ts';
import type { OwnKey } from './own-keys.ts';
import type { Peer } from './peer.ts';
import {
  type Identity,
  J_COUNTER_HIGH,
  J_COUNTER_LOW,
  J_KEY,
  J_LENGTH,
  J_OFFSET,
  J_OUTCOME,
  JOB_WORDS,
} from './ports.ts';
import { peerOf } from './receiver-index.ts';
import type { Responder } from './responder.ts';
import { COOKIE_REPLY } from './wire/cookie-reply.ts';
import { INITIATION } from './wire/initiation.ts';
import { MessageType, messageType, readWord } from './wire/message.ts';
import { RESPONSE, RESPONSE_BYTES } from './wire/response.ts';
import { LEAST_TRANSPORT_BYTES, TRANSPORT } from './wire/transport.ts';

/** Transport messages that are opened in one call; more take another. */
const BATCH = 256;

/** Of mac2, the end of a handshake message. */
const MAC_BYTES = 16;
/** So many messages that come as answers to one handshake of ours go before others. */
const MOST_TRIES = 3;
/** To send an answer takes about as long as to make it. */
const SENDING_TOO = 2;

/** Datagrams in: handshakes one by one, transport messages opened together. */
export class Receiver {
  readonly #device: Device;
  readonly #initiator: Initiator;
  readonly #responder: Responder;
  readonly #jobs = new Uint32Array(BATCH * JOB_WORDS);
  readonly #peers: Peer[] = [];
  readonly #keypairs: Keypair[] = [];
  /** Descriptors that the jobs came with. */
  readonly #from = new Int32Array(BATCH);
  #count = 0;
  readonly #packets = new Int32Array(BATCH * PACKET_WORDS);
  #packetCount = 0;
  /** Of the run of one peer's messages. */
  #isAuthentic = false;
  #hasData = false;
  #isHanded = false;
  /** Messages of sessions and responses that were authentic. */
  #authentic = 0;

  constructor(device: Device, initiator: Initiator, responder: Responder) {
    this.#device = device;
    this.#initiator = initiator;
    this.#responder = responder;
  }

  /** A turn of handling begins: what waits is done first, as much as a turn has. */
  begin(now: TimeUs): void {
    const { backlog, strangers } = this.#device;
    backlog.begin();
    strangers.begin();
    while (backlog.size > 0 && backlog.takeTurn()) {
      const { own, bytes, words, isHanded } = backlog.next() as Waiting;
      this.#isHanded = isHanded;
      const type = messageType(bytes, 0, bytes.length);
      // The key may have gone meanwhile.
      const isOurs = this.#device.own.has(own.identity);
      backlog.start();
      this.#device.drop(isOurs ? this.#handshake(own, type, bytes, 0, words, 0, now) : Drop.mac1);
      backlog.spend();
    }
  }

  /** Takes one datagram that another worker has and asks about. @returns undefined: that will be known later */
  judge(burst: Burst, now: TimeUs): Verdict | undefined {
    const { backlog, peers } = this.#device;
    const { buffer, words } = burst;
    const [at, length] = [words[D_OFFSET] as number, words[D_LENGTH] as number];
    const index = indexIn(buffer, at, length);
    // A turn of its own where nothing waits; where something does, many questions are not as many turns for that.
    if (backlog.size === 0) backlog.begin();
    const [authentic, waiting] = [this.#authentic, backlog.size];
    this.take(burst, now, true);
    const peer = index < 0 ? undefined : peers.get(peerOf(index));
    if (this.#authentic > authentic) {
      if (peer !== undefined) peer.vouchedForAt = now;
      return 'authentic';
    }
    if (backlog.size > waiting) return undefined;
    return index >= 0 && peer?.isStrange !== false ? 'absent' : 'forged';
  }

  /** @param isHanded another worker has them from whoever sent them */
  take(burst: Burst, now: TimeUs, isHanded: boolean): void {
    this.#isHanded = isHanded;
    const { words } = burst;
    for (let i = 0; i < burst.count; i++) {
      const from = i * DESCRIPTOR_WORDS;
      const offset = words[from + D_OFFSET] as number;
      const segment = Math.max(words[from + D_SEGMENT] as number, 1);
      const end = offset + (words[from + D_LENGTH] as number);
      for (let at = offset; at < end; at += segment) {
        this.#device.drop(this.#takeDatagram(burst, at, Math.min(segment, end - at), from, now));
      }
    }
    this.#open(burst, now);
    this.#isHanded = false;
  }

  #takeDatagram(burst: Burst, at: number, length: number, from: number, now: TimeUs): Drop {
    const type = messageType(burst.buffer, at, length);
    if (type === MessageType.none) return Drop.malformed;
    if (type === MessageType.transport) return this.#takeTransport(burst, at, length, from, now);
    // It may change sessions that messages before it belong to.
    this.#open(burst, now);
    if (type === MessageType.cookieReply) return this.#takeCookie(burst.buffer, at, now);
    return this.#takeHandshake(type, burst, at, length, from, now);
  }

  #takeHandshake(
    type: MessageType,
    { buffer, words }: Burst,
    at: number,
    length: number,
    from: number,
    now: TimeUs,
  ): Drop {
    const { backlog, load, own: ours, sources, strangers } = this.#device;
    const isAwaited = type === MessageType.response && this.#isAwaited(readWord(buffer, at + RESPONSE.receiver), now);
    if (!isAwaited && load.isOn(now) && !this.#hasTimeFor(buffer, at + length - MAC_BYTES)) return Drop.overload;
    strangers.start();
    const mac1At = type === MessageType.initiation ? INITIATION.mac1 : RESPONSE.mac1;
    const own = ours.byMac1(buffer, at, mac1At);
    const refused =
      own === undefined ? Drop.mac1 : this.#responder.admit(own, buffer, at, mac1At, words, from, isAwaited, now);
    strangers.spend(refused === Drop.cookieSent ? SENDING_TOO : 1);
    if (own === undefined || refused !== Drop.none) return refused;
    // An answer to what we began is as rare as that, and late it could take a peer away from where it has gone meanwhile.
    if (!isAwaited && (backlog.size > 0 || !backlog.takeTurn())) {
      const place = sources.placeOf(words, from + D_REMOTE);
      return backlog.add(own, buffer, at, length, words, from, place, this.#isHanded) ? Drop.none : Drop.backlog;
    }
    backlog.start();
    const drop = this.#handshake(own, type, buffer, at, words, from, now);
    backlog.spend();
    return drop;
  }

  /** Who was given a cookie comes before those that were not yet. @param mac2At offset of mac2 */
  #hasTimeFor(bytes: Uint8Array, mac2At: number): boolean {
    const { strangers } = this.#device;
    return strangers.isPlenty || (strangers.isLeft && isMac2Given(bytes, mac2At));
  }

  /** Whoever answers what we have begun does so once, and need not show first where it is; those who only know its index soon must. */
  #isAwaited(index: number, now: TimeUs): boolean {
    const pending = this.#device.peers.get(peerOf(index))?.awaited(index, now);
    return pending !== undefined && pending.tries++ < MOST_TRIES;
  }

  #handshake(
    own: OwnKey,
    type: MessageType,
    buffer: Uint8Array,
    at: number,
    words: Int32Array,
    from: number,
    now: TimeUs,
  ): Drop {
    if (type === MessageType.initiation) return this.#responder.onInitiation(own, buffer, at, words, from, now);
    const peer = this.#device.peers.get(peerOf(readWord(buffer, at + RESPONSE.receiver)));
    if (peer === undefined) return Drop.unknownIndex;
    // Routes lead the peer elsewhere, and by now it is there: a session with us would take it away again.
    if (this.#isHanded && this.#device.options.sink.isHere?.(peer) === false) return Drop.unknownIndex;
    const drop = this.#initiator.onResponse(peer, buffer, at, words, from, now);
    if (drop === Drop.none) {
      this.#authentic++;
      this.#device.countReceived(peer, RESPONSE_BYTES);
    }
    if (drop !== Drop.unknownIndex) return drop;
    // As to what a worker began that has left since: its peer would not say anything by itself.
    return this.#passOn(peer, own.identity, buffer, at, RESPONSE_BYTES, words, from, now) ? Drop.none : drop;
  }

  /** Never moves an endpoint: anybody may send it who sees what we sent. */
  #takeCookie(buffer: Uint8Array, at: number, now: TimeUs): Drop {
    const index = readWord(buffer, at + COOKIE_REPLY.receiver);
    const peer = this.#device.peers.get(peerOf(index));
    if (peer === undefined) return Drop.unknownIndex;
    if (!peer.isAddressedBy(index)) return Drop.unknownIndex;
    return peer.cookies.take(peer.keys, buffer, at, now) ? Drop.none : Drop.cookie;
  }

  #takeTransport(burst: Burst, at: number, length: number, from: number, now: TimeUs): Drop {
    const { buffer, words } = burst;
    const index = readWord(buffer, at + TRANSPORT.receiver);
    const peer = this.#device.peers.get(peerOf(index));
    if (peer === undefined) return Drop.unknownIndex;
    const keypair = peer.keypairs.byIndex(index);
    if (keypair === undefined)
      return this.#passOn(peer, undefined, buffer, at, length, words, from, now) ? Drop.none : Drop.unknownIndex;
    const low = readWord(buffer, at + TRANSPORT.counterLow);
    const high = readWord(buffer, at + TRANSPORT.counterHigh);
    if (keypair.isExpired(now) || isRejected(high, low)) return Drop.expired;
    const job = this.#count * JOB_WORDS;
    this.#jobs[job + J_KEY] = keypair.keys.receive;
    this.#jobs[job + J_OFFSET] = at;
    this.#jobs[job + J_LENGTH] = length - LEAST_TRANSPORT_BYTES;
    this.#jobs[job + J_COUNTER_LOW] = low;
    this.#jobs[job + J_COUNTER_HIGH] = high;
    this.#peers[this.#count] = peer;
    this.#keypairs[this.#count] = keypair;
    this.#from[this.#count++] = from;
    if (this.#count === BATCH) this.#open(burst, now);
    return Drop.none;
  }

  /**
   * What belongs to no session or handshake of a peer here goes to the worker that has it, if there is one, and may be the
   * occasion to begin with whoever sent it. @param knows as `Initiator.onUnknown` @returns whether it went there
   */
  #passOn(
    peer: Peer,
    knows: Identity | undefined,
    buffer: Uint8Array,
    at: number,
    length: number,
    words: Int32Array,
    from: number,
    now: TimeUs,
  ): boolean {
    const { options, questions } = this.#device;
    // Of what was handed over the other worker thinks.
    const question = this.#isHanded ? undefined : this.#initiator.onUnknown(peer, knows, words, from, length, now);
    if (this.#isHanded && knows === undefined) this.#initiator.onStray(peer, words, from, now);
    const isPassed = options.sink.elsewhere?.(peer, buffer, at, length, words, from, question?.number ?? 0) === true;
    // What did not even get there is no reason to take the other one for silent.
    if (question !== undefined && isPassed) questions.sent(question);
    return isPassed;
  }

  #open({ buffer, words }: Burst, now: TimeUs): void {
    const count = this.#count;
    if (count === 0) return;
    this.#device.options.ports.transport.open(buffer, this.#jobs, count);
    this.#count = 0;
    for (let i = 0; i < count; i++) {
      if (i > 0 && this.#peers[i] !== this.#peers[i - 1]) this.#endRun(this.#peers[i - 1] as Peer, now);
      this.#device.drop(this.#takeOpened(i, buffer, words, now));
    }
    this.#endRun(this.#peers[count - 1] as Peer, now);
    if (this.#packetCount > 0) this.#device.options.sink.packets(buffer, this.#packets, this.#packetCount);
    this.#packetCount = 0;
  }

  /** Messages of one peer that came together are one event for its timers. */
  #endRun(peer: Peer, now: TimeUs): void {
    if (this.#isAuthentic) {
      peer.heardAt = now;
      this.#device.timed(peer, 'authenticatedReceived', now);
      this.#keepFresh(peer, now);
    }
    if (this.#hasData) this.#device.timed(peer, 'dataReceived', now);
    this.#isAuthentic = false;
    this.#hasData = false;
  }

  #takeOpened(i: number, buffer: Uint8Array, words: Int32Array, now: TimeUs): Drop {
    const device = this.#device;
    const job = i * JOB_WORDS;
    const jobs = this.#jobs;
    const peer = this.#peers[i] as Peer;
    const keypair = this.#keypairs[i] as Keypair;
    const from = this.#from[i] as number;
    if (jobs[job + J_OUTCOME] !== 1) {
      // Another worker may have given this generation, too.
      const bytes = (jobs[job + J_LENGTH] as number) + LEAST_TRANSPORT_BYTES;
      const isPassed = this.#passOn(peer, undefined, buffer, jobs[job + J_OFFSET] as number, bytes, words, from, now);
      return isPassed ? Drop.none : Drop.authentication;
    }
    if (!keypair.replay.take(jobs[job + J_COUNTER_HIGH] as number, jobs[job + J_COUNTER_LOW] as number))
      return Drop.replayed;
    this.#authentic++;
    const length = jobs[job + J_LENGTH] as number;
    device.countReceived(peer, length + LEAST_TRANSPORT_BYTES);
    device.totals.receivedMessages++;
    if (peer.endpoint.follow(words, from)) device.options.sink.moved(peer);
    if (!keypair.isConfirmed) this.#confirm(peer, keypair, now);
    this.#isAuthentic = true;
    if (length === 0) return Drop.none;
    this.#hasData = true;
    const outer = ecnOf(words[from + D_ECN] as number);
    return this.#deliver(peer, buffer, (jobs[job + J_OFFSET] as number) + TRANSPORT.content, length, outer);
  }

  #confirm(peer: Peer, keypair: Keypair, now: TimeUs): void {
    keypair.isConfirmed = true;
    // Of a session that we began, the response has said all this already.
    if (peer.keypairs.confirm(keypair)) {
      peer.attempts = 0;
      peer.sentLastMinuteHandshake = false;
      peer.lastHandshakeAt = now;
      this.#device.totals.sessions++;
      peer.forgetPending();
      peer.cameBy(keypair.own);
      this.#device.timed(peer, 'handshakeComplete', now);
      if (peer.staged.size > 0) this.#device.due.add(peer);
    }
    // What another worker hands over may have come there before the peer did: it is no way back.
    const { sink } = this.#device.options;
    if (!this.#isHanded || sink.isHere?.(peer) !== false) sink.confirmed(peer);
  }

  /** Receiving alone keeps no session: its initiator begins the next one before it ends. */
  #keepFresh(peer: Peer, now: TimeUs): void {
    const { current } = peer.keypairs;
    if (peer.sentLastMinuteHandshake || current?.isInitiator !== true) return;
    if (now - current.createdAt < LAST_MINUTE_US) return;
    peer.sentLastMinuteHandshake = true;
    this.#initiator.begin(peer, now);
  }

  #deliver(peer: Peer, buffer: Uint8Array, at: number, length: number, outer: number): Drop {
    const packet = packetLength(buffer, at, length);
    if (packet === 0) return Drop.notIp;
    const { options, allowedIps } = this.#device;
    if (options.isRoutedByCaller !== true && allowedIps.bySource(buffer, at) !== peer.number) return Drop.source;
    if (outer !== 0 && !tellCongestion(buffer, at, outer)) return Drop.congestion;
    const word = this.#packetCount++ * PACKET_WORDS;
    this.#packets[word + P_PEER] = peer.number;
    this.#packets[word + P_OFFSET] = at;
    this.#packets[word + P_LENGTH] = packet;
    return Drop.none;
  }
}

/** @returns the receiver index of a message of a session or of a response; -1: it is none */
const indexIn = (buffer: Uint8Array, at: number, length: number): number => {
  switch (messageType(buffer, at, length)) {
    case MessageType.transport:
      return readWord(buffer, at + TRANSPORT.receiver);
    case MessageType.response:
      return readWord(buffer, at + RESPONSE.receiver);
    default:
      return -1;
  }
};

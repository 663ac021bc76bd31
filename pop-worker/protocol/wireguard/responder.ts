import { D_REMOTE } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { MANY_WAITING } from './backlog.ts';
import { type Device, keyText } from './device.ts';
import { Drop } from './drop.ts';
import { Endpoint } from './endpoint.ts';
import { Keypair } from './keypairs.ts';
import { INITIATION_INTERVAL_US } from './limits.ts';
import type { OwnKey } from './own-keys.ts';
import type { Peer } from './peer.ts';
import type { PeerKeys, Received } from './ports.ts';
import { compareTai64n, TAI64N_BYTES } from './tai64n.ts';
import { INITIATION, INITIATION_BYTES } from './wire/initiation.ts';
import { MessageType, readWord, writeWord } from './wire/message.ts';
import { RESPONSE, RESPONSE_BYTES } from './wire/response.ts';

const timestamp = new Uint8Array(TAI64N_BYTES);

/** Handshakes that peers begin. */
export class Responder {
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  /**
   * Whether a message with a handshake in it, whose mac1 is of this key of ours, may cost a Diffie-Hellman: under load only with
   * a cookie, and at a rate.
   *
   * @param isAwaited it answers what we have begun: the rate is enough
   */
  admit(
    { cookies }: OwnKey,
    bytes: Uint8Array,
    at: number,
    mac1At: number,
    words: Int32Array,
    from: number,
    isAwaited: boolean,
    now: TimeUs,
  ): Drop {
    const { backlog, load, sources, options, hasControlRoom } = this.#device;
    if (!load.count(now, backlog.size >= MANY_WAITING)) return Drop.none;
    const remote = from + D_REMOTE;
    if (!isAwaited && !cookies.isMac2Valid(bytes, at, mac1At, words, remote)) {
      if (!hasControlRoom) return Drop.controlQueue;
      const sender = readWord(bytes, at + INITIATION.sender);
      this.#answer(cookies.reply(sender, bytes, at + mac1At, words, remote, options.random), words, from);
      return Drop.cookieSent;
    }
    return sources.allows(words, remote, now) ? Drop.none : Drop.sourceLimit;
  }

  /** @param own by mac1 @param at offset of the initiation @param from the descriptor that it came with, at `words` */
  onInitiation(
    { identity }: OwnKey,
    bytes: Uint8Array,
    at: number,
    words: Int32Array,
    from: number,
    now: TimeUs,
  ): Drop {
    const device = this.#device;
    const { handshake } = device.options.ports;
    const received = handshake.readInitiation(identity, bytes, at);
    if (received === undefined) return Drop.handshake;
    const { publicKey } = received;
    const peer = device.byKey.get(keyText(publicKey));
    if (peer === undefined) {
      received.forget();
      const isElsewhere = device.options.sink.stranger?.(publicKey, bytes, at, words, from) === true;
      return isElsewhere ? Drop.none : Drop.unknownPeer;
    }
    const keys = peer.keysFor(identity);
    const drop = this.#check(received, peer, keys, bytes, at, now);
    if (drop !== Drop.none) {
      received.forget();
      return drop;
    }
    return this.#respond(received, peer, keys, readWord(bytes, at + INITIATION.sender), words, from, now);
  }

  #check(received: Received, peer: Peer, keys: PeerKeys, bytes: Uint8Array, at: number, now: TimeUs): Drop {
    const { handshake } = this.#device.options.ports;
    if (!handshake.readTimestamp(received, keys, bytes, at, timestamp)) return Drop.handshake;
    if (compareTai64n(timestamp, 0, peer.lastTimestamp, 0) <= 0) return Drop.replayedInitiation;
    if (now - peer.lastInitiationTakenAt < INITIATION_INTERVAL_US) return Drop.initiationLimit;
    peer.lastTimestamp.set(timestamp);
    peer.lastInitiationTakenAt = now;
    return Drop.none;
  }

  /**
   * The response goes to where the initiation came from. The peer's endpoint stays: an initiation that another worker had
   * may be sent here again by anybody, but not the data that follows it.
   */
  #respond(
    received: Received,
    peer: Peer,
    peerKeys: PeerKeys,
    sender: number,
    words: Int32Array,
    from: number,
    now: TimeUs,
  ): Drop {
    const device = this.#device;
    const response = new Uint8Array(RESPONSE_BYTES);
    const index = peer.newIndex();
    writeWord(response, 0, MessageType.response);
    writeWord(response, RESPONSE.sender, index);
    writeWord(response, RESPONSE.receiver, sender);
    const keys = device.options.ports.handshake.respond(received, peerKeys, response, 0);
    if (keys === undefined) return Drop.handshake;
    peer.cookies.sign(peerKeys, response, RESPONSE.mac1, now);
    peer.keypairs.addResponded(new Keypair(index, sender, { keys, own: peerKeys.identity }, false, now));
    peer.lastHandshakeSentAt = now;
    const isSent = this.#answer(response, words, from);
    for (const event of ['authenticatedReceived', 'sessionDerived', 'authenticatedSent'] as const)
      device.timed(peer, event, now);
    device.countReceived(peer, INITIATION_BYTES);
    if (!isSent) return Drop.none;
    device.countSent(peer, response.length);
    device.totals.responsesSent++;
    return Drop.none;
  }

  #answer(bytes: Uint8Array, words: Int32Array, from: number): boolean {
    const to = new Endpoint();
    to.follow(words, from);
    return this.#device.send(bytes, to);
  }
}

import type { Prefix } from '#protocol/ip/text.ts';
import type { Burst } from '../burst.ts';
import type { Core, TimeUs } from '../contract.ts';
import type { Questions, Verdict } from './anycast/questions.ts';
import { Device, keyText, type Totals } from './device.ts';
import { Drop } from './drop.ts';
import { WireGuardError, WireGuardErrorCode } from './errors.ts';
import { Initiator } from './initiator.ts';
import { MOST_PEERS } from './limits.ts';
import type { PeerOptions, StaticKeyOptions, WireGuardOptions } from './options.ts';
import type { Packets } from './packets.ts';
import { Peer } from './peer.ts';
import { Receiver } from './receiver.ts';
import { Responder } from './responder.ts';
import { Sender } from './sender.ts';
import type { TimerAction } from './timers/table.ts';

/** Datagrams from outside, packets from inside, or the fact that time has passed. */
export type WireGuardInput =
  | {
      readonly kind: 'datagrams';
      readonly burst: Burst;
      /** Another worker got them, and has begun by itself with whoever sent them if that is called for. */
      readonly isHanded?: boolean;
    }
  | { readonly kind: 'packets'; readonly packets: Packets }
  | { readonly kind: 'time' };

/**
 * One WireGuard interface: a static key, and perhaps the one before it, and its peers (the paper and its protocol page; `SPEC.md`). Peers come and go and
 * are changed by its commands; packets for and from all of them come in bursts.
 */
export class WireGuard implements Core<WireGuardInput, Burst> {
  readonly #device: Device;
  readonly #initiator: Initiator;
  readonly #receiver: Receiver;
  readonly #sender: Sender;

  constructor(options: WireGuardOptions) {
    this.#device = new Device(options);
    this.#initiator = new Initiator(this.#device);
    this.#receiver = new Receiver(this.#device, this.#initiator, new Responder(this.#device));
    this.#sender = new Sender(this.#device, this.#initiator);
  }

  get publicKey(): Uint8Array {
    return this.#device.own.newest.identity.publicKey;
  }

  /** Whether the session of a peer is by the key before the newest. */
  isByPrevious({ keypairs: { current } }: Peer): boolean {
    return current !== undefined && current.own !== this.#device.own.newest.identity;
  }

  /** What came to nothing, by `Drop`. */
  get dropped(): Float64Array {
    return this.#device.dropped;
  }

  get totals(): Readonly<Totals> {
    return this.#device.totals;
  }

  get peerCount(): number {
    return this.#device.peers.size;
  }

  get peers(): Iterable<Peer> {
    return this.#device.peers.values();
  }

  peer(publicKey: Uint8Array): Peer | undefined {
    return this.#device.byKey.get(keyText(publicKey));
  }

  /** @throws WireGuardError when there is such a peer, or cannot be */
  addPeer(options: PeerOptions): Peer {
    const { options: ours, own, peers, byKey, stagedTotal } = this.#device;
    const { number, publicKey, presharedKey } = options;
    if (!Number.isInteger(number) || number < 0 || number >= MOST_PEERS)
      throw invalid(`A peer's number is 0 to ${MOST_PEERS - 1}, not ${number}.`);
    if (publicKey.length !== 32) throw invalid(`A public key has 32 bytes, this has ${publicKey.length}.`);
    if (presharedKey !== undefined) checkSecret(presharedKey);
    const text = keyText(publicKey);
    if (peers.has(number) || byKey.has(text))
      throw new WireGuardError(WireGuardErrorCode.duplicate, `There is a peer of this key or of number ${number}.`);
    const keys = ours.ports.handshake.peer(own.newest.identity, publicKey);
    if (keys === undefined) throw invalid('This is nobody’s public key: it is of low order.');
    const peer = new Peer(number, keys, ours.ports, ours.random, stagedTotal);
    peers.set(number, peer);
    byKey.set(text, peer);
    if (presharedKey !== undefined) keys.setPresharedKey(presharedKey);
    if (options.endpoint !== undefined) peer.endpoint.set(options.endpoint);
    for (const prefix of options.allowedIps ?? []) this.#device.allowedIps.add(number, prefix);
    if (options.persistentKeepaliveS !== undefined) this.setPersistentKeepalive(peer, options.persistentKeepaliveS);
    return peer;
  }

  /** Forgets a peer and wipes its keys; it finds out by itself. */
  removePeer(peer: Peer): void {
    const { peers, byKey, allowedIps, deadlines, due, stale } = this.#device;
    if (peers.get(peer.number) !== peer) return;
    peers.delete(peer.number);
    byKey.delete(keyText(peer.keys.publicKey));
    allowedIps.removeAll(peer.number);
    deadlines.delete(peer);
    due.delete(peer);
    stale.delete(peer);
    peer.timers.stop();
    peer.staged.clear();
    peer.zeroKeys();
    peer.cookies.forget();
    peer.forgetKeys();
  }

  /** Counts from the next handshake on, one that is under way included. @param key 32 bytes, all zero: none */
  setPresharedKey(peer: Peer, key: Uint8Array): void {
    checkSecret(key);
    peer.setPresharedKey(key);
  }

  /**
   * Changes our own key. All sessions end, and a peer that has it for its own is removed.
   *
   * @param privateKey 32 bytes; the caller wipes its own
   * @returns those that were removed
   */
  setPrivateKey(privateKey: Uint8Array): Peer[] {
    if (privateKey.length !== 32) throw invalid(`A private key has 32 bytes, this has ${privateKey.length}.`);
    for (const peer of this.peers) this.resetPeer(peer);
    this.setKeys({ privateKey });
    while (this.rejoinSome(MOST_PEERS));
    const own = this.peer(this.publicKey);
    if (own === undefined) return [];
    this.removePeer(own);
    return [own];
  }

  /**
   * Changes our own keys while peers stay: sessions by one that is still among them go on. `rejoinSome` is to follow.
   *
   * @param previous by which peers may come besides
   * @returns those whose session ended, for it was by a key that is no more
   * @throws WireGuardError when both are the same: nothing has changed then
   */
  setKeys(newest: StaticKeyOptions, previous?: StaticKeyOptions): Peer[] {
    const { own, stale } = this.#device;
    const gone = own.replace(newest, previous);
    const ended: Peer[] = [];
    for (const peer of gone.length === 0 ? [] : this.peers) {
      if (gone.filter((key) => peer.leave(key)).length > 0) {
        this.resetPeer(peer);
        ended.push(peer);
      }
      stale.add(peer);
    }
    return ended;
  }

  /** Wipes what some peers had for keys of ours that are no more: a Diffie-Hellman each. @returns whether there are more */
  rejoinSome(most: number): boolean {
    const { own, stale } = this.#device;
    let left = most;
    for (const peer of stale) {
      if (left-- === 0) return true;
      stale.delete(peer);
      peer.rejoin(own);
    }
    return false;
  }

  /** Ends a peer's session and what is under way with it, as when the interface goes down. */
  resetPeer(peer: Peer): void {
    peer.timers.stop();
    peer.zeroKeys();
    peer.attempts = 0;
    peer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
    peer.keepaliveDue = false;
    this.#device.due.delete(peer);
    this.#device.drop(Drop.staged, peer.staged.clear());
  }

  /**
   * Begins a handshake now, as when this worker leaves: its answer goes where routes lead by then, and shows the worker there
   * that the peer is its own.
   */
  renewPeer(peer: Peer, now: TimeUs): void {
    this.#initiator.renew(peer, now);
  }

  /** Sends a keepalive, or begins a handshake where there is no session, if the peer is configured for it. */
  wakePeer(peer: Peer): void {
    if (peer.timers.isPersistent) this.#device.keepalive(peer);
  }

  /** @param mtu of the tunnel, bytes: padding stays below */
  setMtu(mtu: number): void {
    this.#device.mtu = mtu;
  }

  setEndpoint(peer: Peer, remote: Int32Array): void {
    peer.endpoint.set(remote);
    this.wakePeer(peer);
  }

  /** The system chooses the address that each peer is reached from, until it is told again by what comes. */
  forgetSources(): void {
    for (const { endpoint } of this.peers) endpoint.forgetSource();
  }

  /** @param seconds 0: none; else one is sent at once, too */
  setPersistentKeepalive(peer: Peer, seconds: number): void {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 0xffff)
      throw invalid(`A keepalive interval is 0 to 65535 seconds, not ${seconds}.`);
    peer.timers.setPersistentKeepalive(seconds * 1e6);
    if (seconds > 0) this.#device.keepalive(peer);
  }

  /** The prefix is this peer's, whoever had it. */
  addAllowedIp(peer: Peer, prefix: Prefix): void {
    this.#device.allowedIps.add(peer.number, prefix);
  }

  removeAllowedIp(peer: Peer, prefix: Prefix): void {
    this.#device.allowedIps.remove(peer.number, prefix);
  }

  allowedIps(peer: Peer): readonly Prefix[] {
    return this.#device.allowedIps.of(peer.number);
  }

  /** The latest timestamp of initiations under our key, here or as another worker has it (microseconds since 1970). */
  get timestampUs(): number {
    return this.#device.clock.last;
  }

  /** Another worker, or this one before a restart, has used this timestamp: ours will be later. */
  observeTimestamp(unixUs: number): void {
    this.#device.clock.observe(unixUs);
  }

  /** @throws WireGuardError when packets are handed in before `poll` has taken those before */
  handle(input: WireGuardInput, now: TimeUs): void {
    this.#receiver.begin(now);
    if (input.kind === 'datagrams') this.#receiver.take(input.burst, now, input.isHanded === true);
    else if (input.kind === 'packets') {
      if (!this.#sender.isIdle)
        throw new WireGuardError(WireGuardErrorCode.misuse, 'Packets before these are waiting.');
      this.#sender.take(input.packets);
    }
    this.#expire(now);
    this.#device.backlog.end(now);
  }

  /**
   * Takes a datagram that another worker got, and asks about (`WireGuardSink.elsewhere`).
   *
   * @param burst of this one alone @returns what that one is to be told; undefined: nothing, it will be known later
   */
  judge(burst: Burst, now: TimeUs): Verdict | undefined {
    const verdict = this.#receiver.judge(burst, now);
    this.#expire(now);
    this.#device.backlog.end(now);
    return verdict;
  }

  /** The worker `holder` answers what it was asked by this number. */
  answer(holder: number, number: number, verdict: Verdict, now: TimeUs): void {
    this.#initiator.onAnswer(holder, number, verdict, now);
  }

  /** What other workers were asked. */
  get questions(): Readonly<Questions['counters']> {
    return this.#device.questions.counters;
  }

  /** Adds datagrams to `out`, which its caller sends and clears. */
  poll(now: TimeUs, out: Burst): boolean {
    return this.#sender.poll(out, now);
  }

  /** Whether all packets that were handed in are messages, or wait by themselves. */
  get isIdle(): boolean {
    return this.#sender.isIdle;
  }

  deadline(): TimeUs {
    const { backlog, due, control, deadlines, later, questions } = this.#device;
    const isBusy = due.size > 0 || control.length > 0 || !this.#sender.isIdle;
    return isBusy ? Number.NEGATIVE_INFINITY : Math.min(deadlines.first, later.first, questions.first, backlog.readyAt);
  }

  /** Wipes all keys; nothing works after it. */
  close(): void {
    for (const peer of [...this.peers]) this.removePeer(peer);
    this.#device.own.forget();
  }

  #expire(now: TimeUs): void {
    const { deadlines, later, peers, questions } = this.#device;
    for (let one = questions.take(now); one !== undefined; one = questions.take(now))
      this.#initiator.onSilence(one, now);
    for (let peer = later.take(now); peer !== undefined; peer = later.take(now))
      if (peers.get(peer.number) === peer) this.#initiator.beginLater(peer, now);
    for (let peer = deadlines.take(now); peer !== undefined; peer = deadlines.take(now)) {
      if (peers.get(peer.number) !== peer) continue;
      for (let action = peer.timers.expire(now); action !== undefined; action = peer.timers.expire(now))
        this.#act(peer, action, now);
      deadlines.set(peer, peer.timers.deadline);
    }
  }

  #act(peer: Peer, action: TimerAction, now: TimeUs): void {
    if (action === 'retransmitHandshake') this.#initiator.retry(peer, now);
    else if (action === 'beginHandshake') this.#initiator.begin(peer, now);
    else if (action === 'sendKeepalive') this.#device.keepalive(peer);
    else if (action === 'serveStaged') this.#initiator.serveStaged(peer, now);
    else {
      peer.zeroKeys();
      this.#device.drop(Drop.staged, peer.staged.clear());
      this.#device.options.sink.expired?.(peer);
    }
  }
}

const checkSecret = ({ length }: Uint8Array): void => {
  if (length !== 32) throw invalid(`A preshared key has 32 bytes, this has ${length}.`);
};

const invalid = (message: string): WireGuardError => new WireGuardError(WireGuardErrorCode.invalid, message);

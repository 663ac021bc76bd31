import type { TimeUs } from '../contract.ts';
import { AllowedIps } from './allowed-ips.ts';
import { UnansweredBudget } from './anycast/budget.ts';
import { Later } from './anycast/later.ts';
import { Backlog } from './backlog.ts';
import { CookieChecker } from './cookies/checker.ts';
import { HANDSHAKES_A_SECOND, HandshakeLoad } from './cookies/load.ts';
import { SourceLimit } from './cookies/source-limit.ts';
import { DROP_REASONS, type Drop } from './drop.ts';
import type { Endpoint } from './endpoint.ts';
import type { WireGuardOptions } from './options.ts';
import type { Peer } from './peer.ts';
import type { Identity } from './ports.ts';
import type { StagedTotal } from './staged.ts';
import { HybridClock } from './tai64n.ts';
import { Deadlines } from './timers/deadlines.ts';
import type { TimedEvent } from './timers/table.ts';

/** A handshake message on its way out. */
export interface ControlMessage {
  readonly bytes: Uint8Array;
  readonly to: Endpoint;
}

/** What an interface has done since it was made. */
export interface Totals {
  /** Transport messages, keepalives included. */
  receivedMessages: number;
  sentMessages: number;
  /** Of all authentic messages, handshakes included. */
  receivedBytes: number;
  sentBytes: number;
  initiationsSent: number;
  responsesSent: number;
  /** Sessions that both sides have. */
  sessions: number;
}

/** Handshake messages that wait for `poll`; beyond it they are dropped, as a network would. */
const MOST_CONTROL_MESSAGES = 4096;

const DEFAULT_MTU = 1420;

/** What the parts of a device share. */
export class Device {
  readonly options: WireGuardOptions;
  identity: Identity;
  /** Of the tunnel, bytes. */
  mtu: number;
  readonly clock: HybridClock;
  cookies: CookieChecker;
  readonly load: HandshakeLoad;
  readonly sources: SourceLimit;
  /** Of handshakes that we begin because of data that anybody may have sent. */
  readonly unanswered = new UnansweredBudget();
  readonly later = new Later();
  readonly allowedIps = new AllowedIps();
  readonly backlog = new Backlog();
  readonly deadlines = new Deadlines();
  readonly stagedTotal: StagedTotal = { bytes: 0 };
  /** By number. */
  readonly peers = new Map<number, Peer>();
  /** By public key, as text. */
  readonly byKey = new Map<string, Peer>();
  readonly control: ControlMessage[] = [];
  /** Peers with a keepalive or staged packets to send. */
  readonly due = new Set<Peer>();
  readonly totals: Totals = {
    ...{ receivedMessages: 0, sentMessages: 0, receivedBytes: 0, sentBytes: 0 },
    ...{ initiationsSent: 0, responsesSent: 0, sessions: 0 },
  };
  /** What came to nothing, by `Drop`. */
  readonly dropped = new Float64Array(DROP_REASONS.length + 1);

  readonly #cookieSecret = new Uint8Array(32);

  constructor(options: WireGuardOptions) {
    const { ports, random, unixUs, privateKey, handshakesASecond = HANDSHAKES_A_SECOND } = options;
    this.options = options;
    this.identity = ports.handshake.identity(privateKey);
    this.mtu = options.mtu ?? DEFAULT_MTU;
    this.clock = new HybridClock(unixUs);
    if (options.cookieSecret === undefined) random.fill(this.#cookieSecret);
    else this.#cookieSecret.set(options.cookieSecret);
    this.cookies = this.#checker();
    this.load = new HandshakeLoad(handshakesASecond);
    const seed = new Uint8Array(4);
    random.fill(seed);
    this.sources = new SourceLimit(new DataView(seed.buffer).getInt32(0));
  }

  /** Is someone else from now on; whoever has sessions must be told by its caller. */
  setIdentity(identity: Identity): void {
    this.identity.forget();
    this.identity = identity;
    this.cookies = this.#checker();
  }

  #checker(): CookieChecker {
    const { ports, unixUs } = this.options;
    return new CookieChecker(ports.mac, this.identity.publicKey, this.#cookieSecret, unixUs);
  }

  drop(reason: Drop, count = 1): void {
    this.dropped[reason] = (this.dropped[reason] as number) + count;
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.control.length < MOST_CONTROL_MESSAGES) this.control.push({ bytes, to });
  }

  /** Tells a peer's timers, and sees that it is looked at when the next ends. */
  timed(peer: Peer, event: TimedEvent, now: TimeUs): void {
    peer.timers.on(event, now);
    this.deadlines.set(peer.number, peer.timers.deadline);
  }

  countReceived(peer: Peer, bytes: number): void {
    peer.counters.receivedBytes += bytes;
    this.totals.receivedBytes += bytes;
  }

  countSent(peer: Peer, bytes: number): void {
    peer.counters.sentBytes += bytes;
    this.totals.sentBytes += bytes;
  }

  keepalive(peer: Peer): void {
    peer.keepaliveDue = true;
    this.due.add(peer);
  }
}

export const keyText = (publicKey: Uint8Array): string => String.fromCharCode(...publicKey);

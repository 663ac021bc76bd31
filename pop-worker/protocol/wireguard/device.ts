import type { TimeUs } from '../contract.ts';
import { newSecret } from '../secret.ts';
import { AllowedIps } from './allowed-ips.ts';
import { TokenBucket, UNANSWERED_A_SECOND } from './anycast/budget.ts';
import { Later } from './anycast/later.ts';
import { Questions } from './anycast/questions.ts';
import { Backlog } from './backlog.ts';
import { HANDSHAKES_A_SECOND, HandshakeLoad } from './cookies/load.ts';
import { SourceLimit } from './cookies/source-limit.ts';
import { DROP_REASONS, Drop } from './drop.ts';
import type { Endpoint } from './endpoint.ts';
import { MOST_CONTROL_MESSAGES } from './limits.ts';
import type { WireGuardOptions } from './options.ts';
import { OwnKeys } from './own-keys.ts';
import type { Peer } from './peer.ts';
import type { StagedTotal } from './staged.ts';
import { HybridClock } from './tai64n.ts';
import { Deadlines } from './timers/deadlines.ts';
import type { TimedEvent } from './timers/table.ts';
import { TurnBudget } from './turn-budget.ts';

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

const DEFAULT_MTU = 1420;

/** What the parts of a device share. */
export class Device {
  readonly options: WireGuardOptions;
  readonly own: OwnKeys;
  /** Of the tunnel, bytes. */
  mtu: number;
  readonly clock: HybridClock;
  readonly load: HandshakeLoad;
  readonly sources: SourceLimit;
  /** Of handshakes that we begin because of data that anybody may have sent. */
  readonly unanswered = new TokenBucket(UNANSWERED_A_SECOND);
  /** …of data that another worker vouches for. */
  readonly vouched = new TokenBucket(UNANSWERED_A_SECOND);
  /** …with peers that are here, at their own endpoints. */
  readonly anew = new TokenBucket(UNANSWERED_A_SECOND);
  readonly questions = new Questions();
  readonly later = new Later();
  readonly allowedIps = new AllowedIps();
  readonly backlog: Backlog;
  /** Time for messages of whom nothing is known yet. */
  readonly strangers: TurnBudget;
  readonly deadlines = new Deadlines<Peer>();
  readonly stagedTotal: StagedTotal = { bytes: 0 };
  /** By number. */
  readonly peers = new Map<number, Peer>();
  /** By public key, as text. */
  readonly byKey = new Map<string, Peer>();
  readonly control: ControlMessage[] = [];
  /** Peers whose keys are of one of ours that is no more. */
  readonly stale = new Set<Peer>();
  /** Peers with a keepalive or staged packets to send. */
  readonly due = new Set<Peer>();
  readonly totals: Totals = {
    ...{ receivedMessages: 0, sentMessages: 0, receivedBytes: 0, sentBytes: 0 },
    ...{ initiationsSent: 0, responsesSent: 0, sessions: 0 },
  };
  /** What came to nothing, by `Drop`. */
  readonly dropped = new Float64Array(DROP_REASONS.length + 1);

  constructor(options: WireGuardOptions) {
    const { ports, random, unixUs, previous, handshakesASecond = HANDSHAKES_A_SECOND } = options;
    this.options = options;
    this.backlog = new Backlog(options.handshakeTime);
    this.strangers = new TurnBudget(options.strangerTime);
    const cookieSecret = newSecret(32);
    random.fill(cookieSecret);
    this.own = new OwnKeys(ports, unixUs, cookieSecret, options, previous);
    this.mtu = options.mtu ?? DEFAULT_MTU;
    this.clock = new HybridClock(unixUs);
    this.load = new HandshakeLoad(handshakesASecond);
    const seed = new Uint8Array(4);
    random.fill(seed);
    this.sources = new SourceLimit(new DataView(seed.buffer).getInt32(0));
  }

  drop(reason: Drop, count = 1): void {
    this.dropped[reason] = (this.dropped[reason] as number) + count;
  }

  /** Whether one more handshake message may wait to be sent. */
  get hasControlRoom(): boolean {
    return this.control.length < MOST_CONTROL_MESSAGES;
  }

  /** @returns false: too many wait; this one is lost and counted */
  send(bytes: Uint8Array, to: Endpoint): boolean {
    if (this.hasControlRoom) return this.control.push({ bytes, to }) > 0;
    this.drop(Drop.controlQueue);
    return false;
  }

  /** Tells a peer's timers, and sees that it is looked at when the next ends. */
  timed(peer: Peer, event: TimedEvent, now: TimeUs): void {
    peer.timers.on(event, now);
    this.deadlines.set(peer, peer.timers.deadline);
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

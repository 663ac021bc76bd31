import type { Prefix } from '#protocol/ip/text.ts';
import type { Random, TimeUs } from '../contract.ts';
import type { Peer } from './peer.ts';
import type { WireGuardPorts } from './ports.ts';

/** Words of one packet for `WireGuardSink.packets`: number of the peer, offset, bytes. */
export const PACKET_WORDS = 3;
export const P_PEER = 0;
export const P_OFFSET = 1;
export const P_LENGTH = 2;

/** What happened; called from inside `handle`, but for `unreachable`. */
export interface WireGuardSink {
  /** Packets out of the tunnel, in the buffer that their datagrams came in; good until this returns. */
  packets(buffer: Uint8Array, words: Int32Array, count: number): void;
  /** The first authentic data message (or keepalive) of a session, which nobody can replay: the peer is here, now. */
  confirmed(peer: Peer): void;
  /** It answered an initiation of ours, which nobody can for it, nor again: it can be reached here, now. */
  answered?(peer: Peer): void;
  /** Its endpoint changed. */
  moved(peer: Peer): void;
  /**
   * A transport message or a response, `length` bytes at `at`, of a session or handshake with a peer of ours that is not held
   * here: perhaps by another worker. `words` has the descriptor that it came with, at `from`. @param question not 0: the worker
   * is to say whether it was authentic, which `WireGuard.answer` takes @returns whether it went there
   */
  elsewhere?(
    peer: Peer,
    buffer: Uint8Array,
    at: number,
    length: number,
    words: Int32Array,
    from: number,
    question: number,
  ): boolean;
  /** The worker that has a peer's session and can be asked about what comes in its name; undefined: there is none. */
  holder?(peer: Peer): number | undefined;
  /** Whether the worker that had a peer's session is gone, and no other has said that it has it. */
  isOrphaned?(peer: Peer): boolean;
  /** When a worker that says nothing more from now on has been silent for long enough to be taken for gone. */
  silentFrom?(holder: number): TimeUs;
  /** Whether a peer is known to be here, and nowhere else: nobody is begun with then who says to be it and has no session. */
  isHere?(peer: Peer): boolean;
  /**
   * An initiation of whoever has this key and is no peer here: perhaps of another thread's. `words` has the descriptor that it
   * came with, at `from`. @returns whether it went there
   */
  stranger?(publicKey: Uint8Array, bytes: Uint8Array, at: number, words: Int32Array, from: number): boolean;
  /**
   * A packet from inside, good until this returns, that goes nowhere: no peer has its destination, or nothing tells where that
   * peer is. Called from inside `poll`.
   */
  unreachable?(buffer: Uint8Array, at: number, length: number): void;
  /** For 540 s there were no new keys, and those that it had are wiped: it is gone. */
  expired?(peer: Peer): void;
}

/** How much of its thread's time something may have that anybody can ask for; a clock's, and so the host's. */
export interface TimeBudget {
  /** A turn begins that has some of it. */
  refill(): void;
  /** What follows until `spend` is taken from it. */
  start(): void;
  /** @param times 1; more: what it leads to takes so much longer */
  spend(times: number): void;
  readonly isLeft: boolean;
  /** Whether there is some beyond a reserve for what comes first. */
  readonly isPlenty: boolean;
  /** Microseconds until there is some, where nothing else is to be done. */
  readonly untilLeftUs: number;
}

/** A static key of ours. */
export interface StaticKeyOptions {
  /** 32 bytes; the caller wipes its own. */
  readonly privateKey: Uint8Array;
  /** 32 bytes that all workers share; the caller wipes its own. Without it each has its own, and does not know the others' cookies. */
  readonly cookieSecret?: Uint8Array;
}

export interface WireGuardOptions extends StaticKeyOptions {
  /** The key before this one, by which peers may still come. */
  readonly previous?: StaticKeyOptions;
  readonly ports: WireGuardPorts;
  readonly random: Random;
  /** Wall time, microseconds since 1970: for timestamps and for the fleet's cookies. */
  readonly unixUs: () => TimeUs;
  readonly sink: WireGuardSink;
  /** Of the tunnel, bytes: padding stays below. */
  readonly mtu?: number;
  /** More handshake messages a second ask for cookies; Infinity: only while many wait for their turn (`backlog.ts`). */
  readonly handshakesASecond?: number;
  /** For handshakes; what is over waits. Default: as many as a turn may have. */
  readonly handshakeTime?: TimeBudget;
  /** For looking at handshake messages while there is a load; what is over is dropped unread. Default: all are looked at. */
  readonly strangerTime?: TimeBudget;
  /**
   * Others have this key and these peers, and routes may lead a peer from them to us: who sends data of a session that is not held
   * here is begun with (`SPEC.md`, Anycast, which says what that costs). Default: nobody has, and such data is dropped.
   */
  readonly isAnycast?: boolean;
  /**
   * Whose packets are whose is for the caller to say, as where peers of several tenants have the same addresses: packets for
   * the tunnel name their peers, and the sources of those out of it are not looked at. Default: allowed IPs decide (paper §2).
   */
  readonly isRoutedByCaller?: boolean;
}

export interface PeerOptions {
  /** 0 to 2^24 - 1, the same on every worker. */
  readonly number: number;
  readonly publicKey: Uint8Array;
  readonly presharedKey?: Uint8Array;
  readonly allowedIps?: readonly Prefix[];
  /** Six words of `address.ts`. */
  readonly endpoint?: Int32Array;
  /** Seconds, 0 (none) to 65,535. */
  readonly persistentKeepaliveS?: number;
}

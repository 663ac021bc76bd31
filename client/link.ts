import type { ConnectFailure } from './failure.ts';
import type { ServerAddress } from './server-address.ts';

/** What carries tunnels: QUIC over UDP, or HTTP/2 over TCP where no UDP gets through. */
export type Carrier = 'quic' | 'tcp';

/** One address of one server to try. */
export interface DialTarget {
  readonly server: ServerAddress;
  /** Text of an IPv4 or IPv6 address. */
  readonly address: string;
  readonly carrier: Carrier;
  /** Of an earlier session with this server, for resumption. */
  readonly ticket: Uint8Array | undefined;
  /** Start with the smallest datagrams: what failed before may have been too large for the path. */
  readonly cautious: boolean;
}

/** One connection to an edge, as the session sees it: HTTP/3 in earnest, a few numbers in tests. */
export interface Link {
  /** Address and port, for people. */
  readonly label: string;
  /**
   * Asks for an IP tunnel (RFC 9484). `opened` follows when it has addresses; a second one takes the place of the first
   * once it is open.
   */
  openTunnel(token: string): void;
  /** Authentic packets that have arrived so far. */
  packetsReceived(): number;
  /** Probe timeouts in a row (RFC 9002 §6.2.1): what was sent is not acknowledged. */
  probeTimeouts(): number;
  /** Text of our own address on this path, undefined while the kernel alone knows it. */
  localAddress(): string | undefined;
  /** Says goodbye and forgets everything; no call comes afterwards. */
  close(): void;
}

/** What a link tells. */
export interface LinkSink {
  /** Handshake done, server authentic, its settings known: tunnels may be opened. */
  ready(resumed: boolean): void;
  /** The IP tunnel that was asked for last has addresses. */
  opened(): void;
  /** …or it was refused. @param status of HTTP @param detail what the edge says about it, may be empty */
  refused(status: number, detail: string, retryAfterMs: number | undefined): void;
  /** The edge goes out of service: another connection is wanted; this one goes on meanwhile. May be told again. */
  leaving(): void;
  /** May be kept for the next connection to the same server. */
  ticket(data: Uint8Array): void;
  /** It is over. The last call. */
  lost(failure: ConnectFailure): void;
}

/** Passes on what a link tells to whoever has it at the moment. */
export class Line<L extends Link> implements LinkSink {
  readonly target: DialTarget;
  link: L | undefined;
  sink: LinkSink;
  resumed = false;
  failure: ConnectFailure | undefined;

  constructor(target: DialTarget, sink: LinkSink) {
    this.target = target;
    this.sink = sink;
  }

  ready(resumed: boolean): void {
    this.resumed = resumed;
    this.sink.ready(resumed);
  }

  opened(): void {
    this.sink.opened();
  }

  refused(status: number, detail: string, retryAfterMs: number | undefined): void {
    this.sink.refused(status, detail, retryAfterMs);
  }

  leaving(): void {
    this.sink.leaving();
  }

  ticket(data: Uint8Array): void {
    this.sink.ticket(data);
  }

  lost(failure: ConnectFailure): void {
    this.failure = failure;
    this.sink.lost(failure);
  }
}

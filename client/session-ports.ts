import type { Carrier, DialTarget, Link, LinkSink } from './link.ts';
import type { After } from './race.ts';
import type { ServerAddress } from './server-address.ts';
import type { TokenSource } from './token-source.ts';

export interface SessionPorts<L extends Link> {
  /** Addresses of a name, in order of preference. @throws ConnectFailure */
  resolve(host: string): Promise<readonly string[]>;
  /** Starts one attempt. May throw a ConnectFailure; otherwise nothing comes at the sink before it returns. */
  dial(target: DialTarget, sink: LinkSink): L;
  /** Monotonic microseconds. */
  nowUs(): number;
  after: After;
  /** From 0 to 1. */
  random(): number;
  /** Milliseconds since 1970, for what tokens say. */
  wallMs(): number;
}

export type SessionEvent =
  | { readonly type: 'connecting'; readonly server: string }
  | {
      readonly type: 'connected';
      readonly server: string;
      readonly address: string;
      readonly carrier: Carrier;
      readonly resumed: boolean;
    }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'retrying'; readonly reason: string; readonly inMs: number }
  | { readonly type: 'token-renewed' }
  /** The present token goes on until it ends; trying goes on too. Once for each reason. */
  | { readonly type: 'token-not-renewed'; readonly reason: string };

export interface SessionObserver<L extends Link> {
  event(event: SessionEvent): void;
  /** Packets and streams go there from now on. */
  up(link: L): void;
  /** …and nowhere. Not called where another link takes the place of one: that comes by `up` alone. */
  down(): void;
}

export interface SessionOptions {
  /** Tried in this order, each round from the first; just after a connection was lost, its server comes last. */
  readonly servers: readonly ServerAddress[];
  readonly tokens: TokenSource;
  /** Whether an IP tunnel is wanted; otherwise the session is up as soon as the edge is ready. */
  readonly tunnel: boolean;
  /** `auto`, the default: TCP where QUIC is not ready soon, and QUIC again once it gets through. */
  readonly carrier?: Carrier | 'auto';
}

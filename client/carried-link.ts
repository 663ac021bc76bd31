import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { Link } from './link.ts';

/** What a connection did so far, in its own packets. */
export interface LinkFigures {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Smoothed; undefined: nothing was measured yet. */
  readonly rttMs: number | undefined;
  /** Lost packets by sent ones; undefined: nobody here knows. */
  readonly lossRatio: number | undefined;
  /** Name of the congestion controller. */
  readonly controller: string;
}

/** A connection to an edge that carries tunnels, whatever carries it. */
export interface CarriedLink extends Link {
  /** For tunnels besides the IP tunnel. */
  readonly http: HttpConnection;
  readonly authority: string;
  /** There is room for more requests. */
  onStreamsAvailable: (() => void) | undefined;
  figures(): LinkFigures;
}

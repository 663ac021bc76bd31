import type { TcpOptions } from '#host/tcp/options.ts';
import type { ViewName } from '#protocol/bmp/feed.ts';

/** One BMP station as it is asked for; plain, so that it can be posted. */
export interface BmpStationConfig {
  /** For people. */
  readonly name: string;
  /** Text of its address. */
  readonly address: string;
  readonly port: number;
  /** Text of the address that we connect from; undefined: whichever fits. */
  readonly localAddress?: string | undefined;
  readonly tcp: TcpOptions;
  /** Which tables it is told. */
  readonly views: readonly ViewName[];
  /** Who it is told that we are. */
  readonly sysName: string;
  readonly sysDescr: string;
  /** Seconds until it is tried again, doubled each time that fails, up to 24 times as many. */
  readonly retryS: number;
  /** Seconds between reports of statistics; 0: none. */
  readonly statisticsS: number;
  /** Bytes that may wait for it; more end the session. */
  readonly mostBytes: number;
}

/** How a station is, for `cloudbridge bgp status`. */
export interface BmpStationStatus {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly state: StationState;
  /** Sessions that there were. */
  readonly sessions: number;
  /** Bytes that it was sent, of all sessions. */
  readonly sentBytes: number;
  readonly waitingBytes: number;
  /** Why the last connection ended. */
  readonly lastError?: string | undefined;
}

export const STATION_STATES = ['waiting', 'connecting', 'up'] as const;
export type StationState = (typeof STATION_STATES)[number];

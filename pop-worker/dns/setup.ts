import type { ZoneDescription } from '#protocol/dns/zone.ts';

/** Where queries are taken, by UDP and by TCP. */
export interface DnsListen {
  readonly address: string;
  /** 0: the system chooses, the same for both. */
  readonly port: number;
}

/** Against queries whose sender is not who sent them. */
export interface DnsDefence {
  /** 16 bytes that cookies are made by; whoever answers at the same address has the same. */
  readonly cookieSecret: Uint8Array;
  /** 16 bytes of its own. */
  readonly limitSecret: Uint8Array;
  /** Responses by UDP to one network without a cookie; 0: any number. */
  readonly perSecond: number;
}

/** What the DNS thread is started with. */
export interface DnsThreadSetup {
  readonly listen: readonly DnsListen[];
  readonly defence: DnsDefence;
  /** One block of `telemetry/slots.ts`. */
  readonly slots: SharedArrayBuffer;
  /** One Float64: milliseconds since 1970 when the thread last beat. */
  readonly heartbeat: SharedArrayBuffer;
}

/** What the main thread tells the DNS thread. */
export type DnsCommand =
  /** In place of those before. */
  | { readonly type: 'zones'; readonly zones: readonly ZoneDescription[] }
  /** PoPs that nobody is to be led to while there is another. */
  | { readonly type: 'unwell'; readonly pops: readonly string[] }
  | { readonly type: 'stop' };

/** What it tells. */
export type DnsNotice =
  /** Ports by `listen`. */
  | { readonly type: 'ready'; readonly ports: readonly number[] }
  | { readonly type: 'refused-zone'; readonly apex: string; readonly reason: string }
  /** A bug was met, for the first time. */
  | { readonly type: 'fault'; readonly error: string }
  | { readonly type: 'failed'; readonly message: string };

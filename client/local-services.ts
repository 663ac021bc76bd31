import type { Http3Connection } from '#protocol/http3/connection.ts';

/** What a local proxy needs of the session: a connection to ask on, and how to say who asks. */
export interface TunnelSource {
  /** Undefined while there is no connection. */
  current(): { readonly http3: Http3Connection; readonly authority: string; readonly token: string } | undefined;
  /** Resolves when there is one, or rejects after a while. */
  ready(): Promise<void>;
  /** A request was refused with 401. */
  tokenRefused(token: string, detail: string): void;
}

/** A listener on this machine. */
export interface LocalService {
  /** Where it listens, for people. */
  readonly label: string;
  close(): void;
}

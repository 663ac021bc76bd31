import type { HttpConnection } from '#protocol/http3/http-connection.ts';

/** A connection to ask for tunnels on, and who asks. */
export interface TunnelAccess {
  readonly http: HttpConnection;
  readonly authority: string;
  readonly token: string;
}

/** What a local proxy needs of the session. */
export interface TunnelSource {
  /** Undefined while there is no connection. */
  current(): TunnelAccess | undefined;
  /** Resolves when something changed: there is a connection, or room for more requests on it. */
  changed(): Promise<void>;
  /** A request was refused with 401. */
  tokenRefused(token: string, detail: string): void;
}

/** A listener on this machine. */
export interface LocalService {
  /** What and where it is, for people. */
  readonly label: string;
  /** Ends it and everything that goes through it. */
  close(): void;
}

/** What programs on this machine must say to be let in. */
export interface LocalCredentials {
  readonly user: string;
  readonly password: string;
}

import type { ProgramSpec } from '#bench/harness/program.ts';
import type { Folders } from '../files.ts';

export type Alpn = 'h3' | 'hq-interop';

export type FileServerOptions = {
  readonly alpn?: Alpn;
  /** Answers every first Initial with Retry. */
  readonly retry?: boolean;
  /** Datagrams that it loses on purpose, both ways, 0 to 1. */
  readonly loss?: number;
  /** QUIC version that it speaks besides 1. */
  readonly version?: number;
  /** Takes early data. */
  readonly early?: boolean;
};

export type FileClientOptions = {
  readonly alpn?: Alpn;
  readonly loss?: number;
  /** Offers no other cipher suite than TLS_CHACHA20_POLY1305_SHA256. */
  readonly chacha20?: boolean;
  /** QUIC version that it starts with; 1 is what it falls back to. */
  readonly version?: number;
  /** Updates keys once the handshake is over. */
  readonly keyUpdate?: boolean;
  /** How often it does all of it, each time on a new connection. */
  readonly connections?: number;
  /** Each connection resumes the session of the one before, */
  readonly resume?: boolean;
  /** and asks in early data. */
  readonly early?: boolean;
};

export type ServerAt = { readonly folders: Folders; readonly port: number };

/** One side of a file transfer, still to be told where. */
export type FileServer = { readonly of: string; command(at: ServerAt): Promise<ProgramSpec> };
export type FileClient = { readonly of: string; command(at: ServerAt): Promise<ProgramSpec> };

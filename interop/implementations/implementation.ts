import type { ProgramSpec } from '#bench/harness/program.ts';
import type { Folders } from '../files.ts';

export type Alpn = 'h3' | 'hq-interop';

export type FileServerOptions = {
  readonly alpn?: Alpn;
  /** Answers every first Initial with Retry. */
  readonly retry?: boolean;
  /** QUIC version that it prefers; it speaks 1 besides. */
  readonly version?: number;
  /** Takes early data. */
  readonly early?: boolean;
  /** Knows no other cipher suite than TLS_CHACHA20_POLY1305_SHA256. */
  readonly chacha20?: boolean;
};

export type FileClientOptions = {
  readonly alpn?: Alpn;
  /** Offers no other cipher suite than TLS_CHACHA20_POLY1305_SHA256. */
  readonly chacha20?: boolean;
  /** QUIC version that it prefers; 1 is what it falls back to. */
  readonly version?: number;
  /** Updates keys once the handshake is over. */
  readonly keyUpdate?: boolean;
  /** Moves to another address or port of its own during the transfer. */
  readonly migrate?: boolean;
  /** Connections, one after the other: a file on each, and what is left on the last. */
  readonly connections?: number;
  /** Each connection resumes the session of the one before, */
  readonly resume?: boolean;
  /** and asks in early data. */
  readonly early?: boolean;
};

export type ServerAt = {
  readonly folders: Folders;
  /** The server's address, IPv6 without brackets, and port. */
  readonly host: string;
  readonly port: number;
  /** Another address of the client's, to move to. */
  readonly moveTo?: string;
};

/** One side of a file transfer, still to be told where. */
export type FileServer = { readonly of: string; command(at: ServerAt): Promise<ProgramSpec> };
/** Programs that do it, one after the other. */
export type FileClient = { readonly of: string; commands(at: ServerAt): Promise<readonly ProgramSpec[]> };

/** What is a client only. */
export type ClientImplementation = {
  readonly name: string;
  /** Its programs speak nothing but HTTP/3. */
  readonly onlyHttp3: boolean;
  fileClient(options?: FileClientOptions): FileClient;
};

export type Implementation = ClientImplementation & {
  fileServer(options?: FileServerOptions): FileServer;
};

/** Address and port of a server as programs take them. */
export const socketOf = ({ host, port }: Pick<ServerAt, 'host' | 'port'>): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

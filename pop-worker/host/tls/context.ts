import { readFileSync } from 'node:fs';
import { native } from '../native.ts';
import type { TlsContextHandle } from './native.ts';

/** PEM as text, or the file that holds it. */
export type PemSource = string | { readonly file: string };

/** A certificate and its key, of one name or several. */
export interface TlsIdentity {
  /** Leaf first, then intermediates. */
  readonly certificateChain: PemSource;
  readonly privateKey: PemSource;
}

/** What servers and clients may choose of TLS 1.3. */
export interface TlsCommonOptions {
  /**
   * Groups in OpenSSL's syntax, most wanted first. A client sends key shares of those with an asterisk, or of the first
   * one. A server never asks for another share while it has one that it knows. Default `DEFAULT_GROUPS`.
   */
  readonly groups?: string;
  /** Cipher suites in OpenSSL's names, most wanted first; only those of `CipherSuite` are possible. */
  readonly suites?: readonly SuiteName[];
  /** Receives every secret of every session as SSLKEYLOGFILE lines. For debugging; there is no other way to get them. */
  readonly keyLog?: (line: string) => void;
}

/**
 * Who records a connection today cannot open it with a quantum computer later, when both sides know X25519MLKEM768
 * (draft-ietf-tls-ecdhe-mlkem); the X25519 share spares all others a round trip. It costs 1.2 KB either way, which makes
 * the ClientHello two datagrams, and 0.2 ms of CPU for both sides together.
 */
export const DEFAULT_GROUPS = '*X25519MLKEM768:*X25519:P-256';

const SUITE_NAMES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const;
export type SuiteName = (typeof SUITE_NAMES)[number];

/** TLS of a server. */
export interface TlsServerContextOptions extends TlsCommonOptions {
  /** One for each type of key. */
  readonly identities: readonly TlsIdentity[];
  /** Protocol names, most wanted first; the server's order counts. */
  readonly alpn: readonly string[];
  /** Authorities of clients' certificates. */
  readonly clientTrustAnchors?: PemSource;
  /** Default: `required` with anchors, `none` without. */
  readonly clientCertificate?: 'none' | 'optional' | 'required';
  /**
   * Keys of 80 bytes (name 16, HMAC-SHA256 32, AES-256-CBC 32), shared by all contexts and processes that accept each
   * other's tickets. The first one seals, all open. Default: one random key of this context.
   */
  readonly ticketKeys?: readonly Uint8Array[];
  /** Tickets sent at the end of a full handshake. Default 1. */
  readonly tickets?: number;
  /** At most seven days (RFC 8446 §4.6.1). Default one day. */
  readonly ticketLifetimeSeconds?: number;
  /** Whether tickets allow early data and it is accepted. Default false. */
  readonly earlyData?: boolean;
}

/** TLS of a client. */
export interface TlsClientContextOptions extends TlsCommonOptions {
  /** Authorities of servers' certificates. This or pins must be given, unless `anyServer` is. */
  readonly trustAnchors?: PemSource;
  /** Takes whoever answers for the server: for measuring programs, never where a secret or an answer counts. */
  readonly anyServer?: true;
  /**
   * SHA-256 digests of SubjectPublicKeyInfo, one of which the server's leaf certificate must have. Without trust anchors
   * the pin stands for chain, name and dates; with them it is asked for on top.
   */
  readonly pins?: readonly Uint8Array[];
  readonly identity?: TlsIdentity;
}

const DAY_SECONDS = 86_400;
const NONE = new Uint8Array();
const encoder = new TextEncoder();

const pemBytes = (source: PemSource): Uint8Array =>
  typeof source === 'string' ? encoder.encode(source) : readFileSync(source.file);

const concat = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** RFC 7301 §3.1: each name behind its length. */
export const encodeAlpn = (names: readonly string[]): Uint8Array => {
  if (names.length === 0) throw new RangeError('alpn must name at least one protocol');
  return concat(
    names.map((name) => {
      const bytes = encoder.encode(name);
      if (bytes.length === 0 || bytes.length > 255) throw new RangeError('a protocol name has 1 to 255 bytes');
      return Uint8Array.of(bytes.length, ...bytes);
    }),
  );
};

const useIdentity = (context: TlsContextHandle, { certificateChain, privateKey }: TlsIdentity): void => {
  const key = pemBytes(privateKey);
  try {
    native.tlsContextIdentity(context, pemBytes(certificateChain), key);
  } finally {
    key.fill(0);
  }
};

const offer = (context: TlsContextHandle, alpn: Uint8Array, options: TlsCommonOptions): void => {
  const unknown = options.suites?.find((name) => !SUITE_NAMES.includes(name));
  if (unknown !== undefined) throw new RangeError(`${unknown} is not a cipher suite for QUIC`);
  native.tlsContextOffer(context, alpn, options.groups ?? DEFAULT_GROUPS, options.suites?.join(':') ?? '');
};

/** @param keys the first one seals, all open; the ones before the last rotation come behind the new one */
export const setTicketKeys = (context: TlsContextHandle, keys: readonly Uint8Array[]): void => {
  const whole = concat(keys);
  native.tlsContextTicketKeys(context, whole);
  whole.fill(0);
};

const CERTIFICATE_MODES = { none: 0, optional: 1, required: 2 } as const;

export const createServerContext = (options: TlsServerContextOptions): TlsContextHandle => {
  const { clientTrustAnchors, identities } = options;
  if (identities.length === 0) throw new RangeError('a TLS server needs an identity');
  const mode = options.clientCertificate ?? (clientTrustAnchors === undefined ? 'none' : 'required');
  if (mode !== 'none' && clientTrustAnchors === undefined) {
    throw new RangeError(`client certificates are ${mode}, but there are no trust anchors to check them by`);
  }
  const context = native.tlsContextNew(true);
  for (const identity of identities) useIdentity(context, identity);
  const anchors = clientTrustAnchors === undefined ? NONE : pemBytes(clientTrustAnchors);
  native.tlsContextTrust(context, anchors, CERTIFICATE_MODES[mode]);
  offer(context, encodeAlpn(options.alpn), options);
  if (options.ticketKeys !== undefined) setTicketKeys(context, options.ticketKeys);
  const { tickets = 1, ticketLifetimeSeconds = DAY_SECONDS, earlyData = false, keyLog } = options;
  native.tlsContextSession(context, tickets, ticketLifetimeSeconds, earlyData, keyLog !== undefined);
  return context;
};

export const createClientContext = (options: TlsClientContextOptions): TlsContextHandle => {
  const { trustAnchors, pins, anyServer, identity, keyLog } = options;
  if (anyServer && (trustAnchors ?? pins) !== undefined) {
    throw new RangeError('anyServer contradicts trust anchors and pins');
  }
  if (trustAnchors === undefined && pins === undefined && !anyServer) {
    throw new RangeError('a TLS client needs trust anchors or pins to know its server by');
  }
  const context = native.tlsContextNew(false);
  if (identity !== undefined) useIdentity(context, identity);
  native.tlsContextTrust(
    context,
    trustAnchors === undefined ? NONE : pemBytes(trustAnchors),
    anyServer ? CERTIFICATE_MODES.none : CERTIFICATE_MODES.required,
  );
  if (pins !== undefined) native.tlsContextPins(context, concat(pins));
  offer(context, NONE, options);
  native.tlsContextSession(context, 0, DAY_SECONDS, false, keyLog !== undefined);
  return context;
};

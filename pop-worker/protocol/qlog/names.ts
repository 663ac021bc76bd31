import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { TransportError } from '#protocol/quic/errors.ts';
import { CipherSuite, Level } from '#protocol/quic/ports.ts';
import { Space } from '#protocol/quic/recovery/recovery.ts';
import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import type { Fields } from './event.ts';

/** What the drafts call what we have numbers for. */

export const PACKET_TYPES: Readonly<Record<PacketType, string>> = {
  [PacketType.initial]: 'initial',
  [PacketType.zeroRtt]: '0RTT',
  [PacketType.handshake]: 'handshake',
  [PacketType.oneRtt]: '1RTT',
  [PacketType.retry]: 'retry',
  [PacketType.versionNegotiation]: 'version_negotiation',
  [PacketType.unsupported]: 'unknown',
};

/** Application data may have been sent in 0-RTT packets too; a space does not tell. */
export const PACKET_TYPE_OF_SPACE: Readonly<Record<Space, string>> = {
  [Space.initial]: 'initial',
  [Space.handshake]: 'handshake',
  [Space.application]: '1RTT',
};

/** In key names, behind `client_` or `server_`. */
export const KEY_NAMES: Readonly<Record<Level, string>> = {
  [Level.initial]: 'initial_secret',
  [Level.earlyData]: '0rtt_secret',
  [Level.handshake]: 'handshake_secret',
  [Level.oneRtt]: '1rtt_secret',
};

export const CIPHERS: Readonly<Record<CipherSuite, string>> = {
  [CipherSuite.aes128Gcm]: 'AES_128_GCM_SHA256',
  [CipherSuite.aes256Gcm]: 'AES_256_GCM_SHA384',
  [CipherSuite.chacha20Poly1305]: 'CHACHA20_POLY1305_SHA256',
};

/** The index is the ECN codepoint of the IP header. */
export const ECN_NAMES = ['Not-ECT', 'ECT(1)', 'ECT(0)', 'CE'] as const;

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const TRANSPORT_ERRORS = new Map<number, string>(
  Object.entries(TransportError)
    // The drafts have no names for these.
    .filter(([, code]) => code !== TransportError.cryptoError && code !== TransportError.versionNegotiationError)
    .map(([name, code]) => [code, snake(name)]),
);

/** HTTP/3's, as the only application protocol that we speak. H3_MESSAGE_ERROR and RFC 9297's have no name. */
const APPLICATION_ERRORS = new Map<number, string>(
  Object.entries(Http3ErrorCode)
    .filter(([, code]) => code !== Http3ErrorCode.messageError && code !== Http3ErrorCode.datagramError)
    .map(([name, code]) => [code, `http_${snake(name)}`]),
);

const named = (field: string, name: string | undefined, code: number): Fields =>
  name === undefined ? { [field]: 'unknown', error_code: code } : { [field]: name };

/** @returns the error's name in this field; `unknown` and the code beside it where there is none */
export const transportError = (field: string, code: number): Fields => {
  if (code >= 0x100 && code < 0x200) return { [field]: `crypto_error_0x${code.toString(16)}` };
  return named(field, TRANSPORT_ERRORS.get(code), code);
};

/** As `transportError`. */
export const applicationError = (field: string, code: number): Fields =>
  named(field, APPLICATION_ERRORS.get(code), code);

export const version = (number: number): string => (number >>> 0).toString(16).padStart(8, '0');

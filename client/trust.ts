import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { createTlsClientPort, type OpensslClientPort } from '#host/tls/tls-port.ts';
import { ConnectFailure } from './failure.ts';

/** What an edge's certificate is judged by. */
export interface Trust {
  /** A PEM file of authorities; without file and pins, those that this machine trusts. */
  readonly caFile?: string | undefined;
  /** SHA-256 of the server's SubjectPublicKeyInfo, in hexadecimal or base64; one of them must match. */
  readonly pins?: readonly string[];
}

const PIN_BYTES = 32;

/** @returns 32 bytes, undefined when the text is no SHA-256 digest */
export const parsePin = (text: string): Uint8Array | undefined => {
  const bare = text.replace(/^sha256[:/]+/i, '');
  if (/^(?:[0-9a-f]{2}:?){32}$/i.test(bare)) return Uint8Array.from(Buffer.from(bare.replaceAll(':', ''), 'hex'));
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(bare)) return undefined;
  const bytes = Buffer.from(bare, 'base64');
  return bytes.length === PIN_BYTES ? Uint8Array.from(bytes) : undefined;
};

const readAnchors = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConnectFailure(
      `the file of authorities ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      'fatal',
    );
  }
};

const systemAnchors = (): string =>
  [...new Set([...getCACertificates('system'), ...getCACertificates('bundled')])].join('\n');

/** A server's certificate is judged by these: authorities as PEM, or, where there are none, by pins alone. */
export interface Anchors {
  readonly pem: string | undefined;
  readonly pins: readonly Uint8Array[];
}

/** @throws ConnectFailure when files or pins are no good */
export const anchorsOf = (trust: Trust): Anchors => {
  const pins = (trust.pins ?? []).map((text) => {
    const pin = parsePin(text);
    if (pin === undefined) throw new ConnectFailure(`\`${text}\` is no SHA-256 digest of a public key`, 'fatal');
    return pin;
  });
  const pem = trust.caFile !== undefined ? readAnchors(trust.caFile) : pins.length > 0 ? undefined : systemAnchors();
  return { pem, pins };
};

/** @throws ConnectFailure when files or pins are no good */
export const tlsFor = (trust: Trust, { pem, pins }: Anchors = anchorsOf(trust)): OpensslClientPort => {
  try {
    return createTlsClientPort({
      ...(pem === undefined ? {} : { trustAnchors: pem }),
      ...(pins.length === 0 ? {} : { pins }),
    });
  } catch (error) {
    throw new ConnectFailure(`the authorities in ${trust.caFile} cannot be used: ${(error as Error).message}`, 'fatal');
  }
};

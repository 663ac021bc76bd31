import { readFile } from 'node:fs/promises';
import { fileFault, secretFault } from '#telemetry/file-fault.ts';
import { ConnectFailure } from './failure.ts';

/** Where bearer tokens come from: a file, the environment, OAuth. */
export interface TokenSource {
  /**
   * The token to use now.
   *
   * @param old one that the edge turned down or that is about to end: give another, if there is one
   * @throws NoNewerToken when `old` is all there is; any other failure is the source's own (see `asFailure`)
   */
  token(old?: string): Promise<string>;
}

/** The source works and has nothing but the token that was used already. */
export class NoNewerToken extends ConnectFailure {
  constructor(from: string) {
    super(`${from} holds no newer token`, 'fatal');
    this.name = 'NoNewerToken';
  }
}

/** What a token says of its own time, in milliseconds since 1970; nothing about whether it is authentic. */
export interface TokenTimes {
  readonly issuedAtMs: number | undefined;
  readonly expiresAtMs: number | undefined;
}

const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
/** The edge looks at no longer ones. */
const MAX_TOKEN_BYTES = 8192;

const milliseconds = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value * 1000 : undefined;

/** Reads `iat` and `exp` of a JWT (RFC 7519 §4.1); any other token has no times. */
export const timesOf = (token: string): TokenTimes => {
  const parts = token.split('.');
  try {
    const payload: unknown = JSON.parse(
      Buffer.from(parts.length === 3 ? (parts[1] as string) : '', 'base64url').toString(),
    );
    if (typeof payload === 'object' && payload !== null) {
      const { iat, exp } = payload as { iat?: unknown; exp?: unknown };
      return { issuedAtMs: milliseconds(iat), expiresAtMs: milliseconds(exp) };
    }
  } catch {
    // Not a JWT: nothing is known of its times.
  }
  return { issuedAtMs: undefined, expiresAtMs: undefined };
};

/** @param from how a person knows the place it came from */
const checked = (text: string, from: string): string => {
  const token = text.trim();
  if (token === '') throw new ConnectFailure(`${from} holds no token`, 'fatal');
  // RFC 6750 §2.1
  if (!TOKEN.test(token) || token.length > MAX_TOKEN_BYTES)
    throw new ConnectFailure(`what ${from} holds is not a bearer token`, 'fatal');
  return token;
};

const another = (token: string, old: string | undefined, from: string): string => {
  if (token === old) throw new NoNewerToken(from);
  return token;
};

/** Always the same one. @param from such as `the variable CBR_TOKEN` */
export const staticToken = (text: string, from: string): TokenSource => {
  const token = checked(text, from);
  return { token: async (old) => another(token, old, from) };
};

/** A file that only its owner may read, read again each time, for whoever keeps it fresh. */
export const fileToken = (path: string): TokenSource => ({
  token: async (old) => {
    const from = `the token file ${path}`;
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      throw new ConnectFailure(`${from} cannot be read, ${fileFault(error, '--token-file')}`, 'fatal-at-first');
    }
    const fault = secretFault(path);
    if (fault !== undefined) throw new ConnectFailure(`${from} ${fault}`, 'fatal-at-first');
    return another(checked(text, from), old, from);
  },
});

import { hkdfSync, randomBytes } from 'node:crypto';
import type { CidKey } from '#dataplane/exchange/cids.ts';
import type { ThreadSetup } from '#dataplane/setup.ts';
import { createServerContext } from '#host/tls/context.ts';
import { readSecretFile, readTlsPair } from '#settings/key-files.ts';
import { readCidKeys } from './cid-keys.ts';
import type { WorkerConfig } from './config.ts';
import { StartError } from './start-error.ts';

const TICKET_KEY_BYTES = 80;
const RESET_KEY_BYTES = 32;

const ticketKeysOf = (bytes: Buffer, file: string): Uint8Array[] => {
  if (bytes.length === 0 || bytes.length % TICKET_KEY_BYTES !== 0) {
    const make = `\`head -c ${TICKET_KEY_BYTES} /dev/urandom\``;
    throw new StartError(
      `the ticket keys ${file} have ${bytes.length} bytes and not 80 for each key: ${make} makes one`,
    );
  }
  return Array.from({ length: bytes.length / TICKET_KEY_BYTES }, (_, i) =>
    Uint8Array.from(bytes.subarray(i * TICKET_KEY_BYTES, (i + 1) * TICKET_KEY_BYTES)),
  );
};

const resetKeyOf = (bytes: Buffer, file: string): Uint8Array => {
  if (bytes.length === RESET_KEY_BYTES) return Uint8Array.from(bytes);
  const make = `\`head -c ${RESET_KEY_BYTES} /dev/urandom\``;
  throw new StartError(`the reset key ${file} has ${bytes.length} bytes and not ${RESET_KEY_BYTES}: ${make} makes one`);
};

/** Workers that share ticket keys take each other's address validation tokens as well. */
const tokenKeyOf = (ticketKey: Uint8Array | undefined): Uint8Array => {
  const secret = ticketKey ?? randomBytes(RESET_KEY_BYTES);
  return new Uint8Array(hkdfSync('sha256', secret, '', 'cloudbridge address validation tokens', 32));
};

/** What OpenSSL itself refuses is refused here, where it is said in a sentence and nothing depends on it yet. */
const tryIdentity = (
  { certificate, key, ticketKeys }: Pick<ThreadSetup['tls'], 'certificate' | 'key' | 'ticketKeys'>,
  files: WorkerConfig['tls'],
): void => {
  try {
    const identities = [{ certificateChain: certificate, privateKey: key }];
    createServerContext({ identities, alpn: ['h3'], ...(ticketKeys.length > 0 && { ticketKeys }) });
  } catch (error) {
    const { message } = error as Error;
    throw new StartError(`the certificate ${files.certificate} cannot be used (${message}): have another one issued`);
  }
};

/** What the files of `[tls]` hold. */
export interface TlsFiles extends Readonly<ThreadSetup['tls']> {
  /** Of connection IDs, the one that makes them first; undefined: the file names none. */
  readonly cidKeys?: readonly CidKey[] | undefined;
}

/** Reads certificate and keys. @throws StartError or ConfigError for whatever would fail later with less words */
export const readTlsFiles = (config: WorkerConfig['tls'], now: Date): TlsFiles => {
  const { certificate, key } = readTlsPair(config, now);
  const { ticket_keys, reset_key, cid_keys } = config;
  const ticketKeys =
    ticket_keys === undefined ? [] : ticketKeysOf(readSecretFile(ticket_keys, 'the file of ticket keys'), ticket_keys);
  tryIdentity({ certificate, key, ticketKeys }, config);
  const resetKey =
    reset_key === undefined ? undefined : resetKeyOf(readSecretFile(reset_key, 'the reset key'), reset_key);
  const cidKeys = cid_keys === undefined ? undefined : readCidKeys(cid_keys, resetKey);
  return { certificate, key, ticketKeys, resetKey, tokenKey: tokenKeyOf(ticketKeys[0]), cidKeys };
};

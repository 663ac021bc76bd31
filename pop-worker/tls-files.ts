import { createPrivateKey, hkdfSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { ThreadSetup } from '#dataplane/setup.ts';
import { createServerContext } from '#host/tls/context.ts';
import type { WorkerConfig } from './config.ts';
import { StartError } from './start-error.ts';

const TICKET_KEY_BYTES = 80;
const RESET_KEY_BYTES = 32;
const OTHERS = 0o007;

const read = (file: string, what: string): Buffer => {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`${what} ${file} cannot be read (${code}): put it there or change [tls]`);
  }
};

const readSecret = (file: string, what: string): Buffer => {
  const bytes = read(file, what);
  if ((statSync(file).mode & OTHERS) !== 0) {
    throw new StartError(`${what} ${file} can be read or changed by every user of this machine: \`chmod o= ${file}\``);
  }
  return bytes;
};

const certificateOf = (pem: string, file: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new StartError(`the certificate ${file} is not PEM: it must begin with the worker's own certificate`);
  }
};

const privateKeyOf = (pem: string, file: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new StartError(`the key ${file} is not a PEM private key without passphrase`);
  }
};

const checkDates = ({ validFromDate, validToDate }: X509Certificate, file: string, now: Date): void => {
  if (now < validFromDate) {
    const text = `the certificate ${file} is not valid before ${validFromDate.toISOString()} and it is ${now.toISOString()}`;
    throw new StartError(`${text} by this machine's clock: set the clock or wait`);
  }
  if (now > validToDate) {
    const text = `the certificate ${file} has expired at ${validToDate.toISOString()} and it is ${now.toISOString()}`;
    throw new StartError(`${text} by this machine's clock: renew it or set the clock`);
  }
};

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

/** Reads certificate and keys. @throws StartError for whatever would fail later with less words */
export const readTlsFiles = (config: WorkerConfig['tls'], now: Date): ThreadSetup['tls'] => {
  const certificate = read(config.certificate, 'the certificate').toString();
  const key = readSecret(config.key, 'the key').toString();
  const leaf = certificateOf(certificate, config.certificate);
  checkDates(leaf, config.certificate, now);
  if (!leaf.checkPrivateKey(privateKeyOf(key, config.key))) {
    throw new StartError(`the key ${config.key} is not that of the certificate ${config.certificate}: name a pair`);
  }
  const { ticket_keys, reset_key } = config;
  const ticketKeys =
    ticket_keys === undefined ? [] : ticketKeysOf(readSecret(ticket_keys, 'the file of ticket keys'), ticket_keys);
  tryIdentity({ certificate, key, ticketKeys }, config);
  const resetKey = reset_key === undefined ? undefined : resetKeyOf(readSecret(reset_key, 'the reset key'), reset_key);
  return { certificate, key, ticketKeys, resetKey, tokenKey: tokenKeyOf(ticketKeys[0]) };
};

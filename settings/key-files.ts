/** Certificates and keys that configuration files name, each judged before anything depends on it. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileFault, secretFault } from '#telemetry/file-fault.ts';
import { ConfigError } from './toml-file.ts';

const read = (file: string, what: string): Buffer => {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${what} ${file} cannot be read, ${fileFault(error)}`);
  }
};

/** @param what it is, for people: `the reset key` @throws ConfigError when it is not there or others may read it */
export const readSecretFile = (file: string, what: string): Buffer => {
  const bytes = read(file, what);
  const fault = secretFault(file);
  if (fault !== undefined) throw new ConfigError(`${what} ${file} ${fault}`);
  return bytes;
};

const certificateOf = (pem: string, file: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new ConfigError(`the certificate ${file} is not PEM: it must begin with the server's own certificate`);
  }
};

/** @param what it is, for people: `the CA file` @throws ConfigError when it is not there or holds no certificate */
export const readCertificate = (file: string, what: string): string => {
  try {
    const pem = read(file, what);
    new X509Certificate(pem);
    return pem.toString();
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(`${what} ${file} holds no certificate in PEM`);
  }
};

const privateKeyOf = (pem: string, file: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch {
    // Without the cause: its words may be of the key.
    throw new ConfigError(
      `the key ${file} is not a PEM private key without passphrase: put the certificate's own there`,
    );
  }
};

const checkDates = ({ validFromDate, validToDate }: X509Certificate, file: string, now: Date): void => {
  if (now < validFromDate) {
    const text = `the certificate ${file} is not valid before ${validFromDate.toISOString()} and it is ${now.toISOString()}`;
    throw new ConfigError(`${text} by this machine's clock: set the clock or wait`);
  }
  if (now > validToDate) {
    const text = `the certificate ${file} has expired at ${validToDate.toISOString()} and it is ${now.toISOString()}`;
    throw new ConfigError(`${text} by this machine's clock: renew it or set the clock`);
  }
};

/**
 * A certificate chain and its key, in PEM.
 *
 * @throws ConfigError for whatever would fail later with less words: not there, not PEM, not a pair, not valid at this time
 */
export const readTlsPair = (
  files: { readonly certificate: string; readonly key: string },
  now: Date,
): { readonly certificate: string; readonly key: string } => {
  const certificate = read(files.certificate, 'the certificate').toString();
  const key = readSecretFile(files.key, 'the key').toString();
  const leaf = certificateOf(certificate, files.certificate);
  checkDates(leaf, files.certificate, now);
  if (!leaf.checkPrivateKey(privateKeyOf(key, files.key))) {
    throw new ConfigError(`the key ${files.key} is not that of the certificate ${files.certificate}: name a pair`);
  }
  return { certificate, key };
};

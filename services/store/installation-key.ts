import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileFault, secretFault } from '#telemetry/file-fault.ts';
import { INSTALLATION_KEY_BYTES } from './seal.ts';

/** The installation key cannot be used as it is; the message says why and what to do. */
export class InstallationKeyError extends Error {
  override readonly name = 'InstallationKeyError';
}

/** @param text the key in base64url, as in `CBR_INSTALLATION_KEY` */
export const parseInstallationKey = (text: string): Uint8Array => {
  const key = Buffer.from(text.trim(), 'base64url');
  if (key.length !== INSTALLATION_KEY_BYTES)
    throw new InstallationKeyError(`an installation key is ${INSTALLATION_KEY_BYTES} bytes in base64url`);
  return key;
};

/** Reads the key from its file, which nobody but its owner may read. @throws InstallationKeyError */
export const readInstallationKey = async (file: string): Promise<Uint8Array> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new InstallationKeyError(`the installation key ${file} cannot be read, ${fileFault(error)}`);
  }
  const fault = secretFault(file);
  if (fault !== undefined) throw new InstallationKeyError(`the installation key ${file} ${fault}`);
  try {
    return parseInstallationKey(text);
  } catch (error) {
    throw new InstallationKeyError(`${file} is damaged, ${(error as Error).message}: put it back from a backup`);
  }
};

/** Reads the key, or makes one when the file is not there; two who do so at once get the same one. */
export const ensureInstallationKey = async (file: string): Promise<Uint8Array> => {
  if (existsSync(file)) return readInstallationKey(file);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const key = randomBytes(INSTALLATION_KEY_BYTES);
  // It appears whole or not at all: half of one, as a full disk leaves it, would be nobody's key for ever.
  const draft = `${file}.${randomUUID()}`;
  try {
    const created = await open(draft, 'wx', 0o600);
    try {
      await created.writeFile(`${key.toString('base64url')}\n`);
      await created.sync();
    } finally {
      await created.close();
    }
    await link(draft, file);
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readInstallationKey(file);
    throw new InstallationKeyError(`the installation key ${file} cannot be written, ${fileFault(error)}`);
  } finally {
    await rm(draft, { force: true });
  }
};

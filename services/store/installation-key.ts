import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { INSTALLATION_KEY_BYTES } from './seal.ts';

/** The installation key cannot be used as it is; the message says why and what to do. */
export class InstallationKeyError extends Error {
  override readonly name = 'InstallationKeyError';
}

const GROUP_AND_OTHERS = 0o077;

/** @param text the key in base64url, as in `CBR_INSTALLATION_KEY` */
export const parseInstallationKey = (text: string): Uint8Array => {
  const key = Buffer.from(text.trim(), 'base64url');
  if (key.length !== INSTALLATION_KEY_BYTES)
    throw new InstallationKeyError(`an installation key is ${INSTALLATION_KEY_BYTES} bytes in base64url`);
  return key;
};

/** Reads the key from its file, which nobody but its owner may read. */
export const readInstallationKey = async (file: string): Promise<Uint8Array> => {
  const { mode } = await stat(file);
  if ((mode & GROUP_AND_OTHERS) !== 0) {
    const message = `${file} may be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`;
    throw new InstallationKeyError(message);
  }
  return parseInstallationKey(await readFile(file, 'utf8'));
};

/** Reads the key, or makes one when the file is not there; two who do so at once get the same one. */
export const ensureInstallationKey = async (file: string): Promise<Uint8Array> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const key = randomBytes(INSTALLATION_KEY_BYTES);
  try {
    const created = await open(file, 'wx', 0o600);
    try {
      await created.writeFile(`${key.toString('base64url')}\n`);
      await created.sync();
    } finally {
      await created.close();
    }
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readInstallationKey(file);
  }
};

import { lstat, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileFault } from '#telemetry/file-fault.ts';
import type { MrtFile } from './setup.ts';

/** Handed to the disk at once. */
const CHUNK_BYTES = 1 << 20;

/** What a file is called until all of it is there. */
export const PART = '.part';

/** Cause and mend of a file that cannot be written; undefined: the error says so itself. */
export const writeFault = (error: Error): string | undefined => {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return undefined;
  return code === 'ENOENT' ? 'its folder is not there (ENOENT): make that or name another place' : fileFault(error);
};

/**
 * Writes records into a file that is there as a whole or not at all. Between chunks others have their turn.
 *
 * @param file path; a regular file there is replaced
 * @throws Error in a sentence; nothing is left behind
 */
export const writeWhole = async (file: string, records: Iterable<Uint8Array>): Promise<MrtFile> => {
  const found = await lstat(file).catch(() => undefined);
  if (found !== undefined && !found.isFile()) throw new Error(`${file} is there and is no file: name another one`);
  const part = `${file}${PART}`;
  try {
    const result = await writeTo(part, records);
    await rename(part, file);
    return { file: path.resolve(file), ...result };
  } catch (error) {
    // Where there is no folder it cannot be there either: what is told is why it could not be written.
    await rm(part, { force: true }).catch(() => undefined);
    const fault = writeFault(error as Error);
    throw fault === undefined ? error : new Error(`${file} cannot be written, ${fault}`, { cause: error });
  }
};

const writeTo = async (file: string, records: Iterable<Uint8Array>) => {
  const handle = await open(file, 'w', 0o640);
  let written = 0;
  let bytes = 0;
  try {
    let chunk: Uint8Array[] = [];
    let length = 0;
    for (const record of records) {
      written++;
      chunk.push(record);
      length += record.length;
      if (length < CHUNK_BYTES) continue;
      await handle.writev(chunk);
      bytes += length;
      chunk = [];
      length = 0;
    }
    if (length > 0) await handle.writev(chunk);
    bytes += length;
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { records: written, bytes };
};

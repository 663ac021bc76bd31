import { createHash } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/** In front of the content: what it must hash to. */
const DIGEST_BYTES = 32;

const previousOf = (file: string): string => `${file}.previous`;

/** Bytes that are hashed before other work gets its turn: one or two milliseconds. */
const HASHED_A_TURN = 2 ** 20;

const sha256 = async (bytes: Uint8Array): Promise<Buffer> => {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += HASHED_A_TURN) {
    if (at > 0) await turn();
    hash.update(bytes.subarray(at, at + HASHED_A_TURN));
  }
  return hash.digest();
};

/**
 * Keeps the last known good state so that neither a crash nor a power cut leaves half of it: a new file is written, synced
 * and renamed over the old one, which stays beside it as `….previous`. Where it fails, as on a full disk, the old one stays
 * and nothing of the new one does.
 */
export const saveStateFile = async (file: string, content: Uint8Array): Promise<void> => {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.new`;
  await rm(temporary, { force: true });
  try {
    await writeNew(temporary, content);
    await keepPrevious(file);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  const directory = await open(folder, 'r');
  try {
    // The names too must be on the disk.
    await directory.sync();
  } finally {
    await directory.close();
  }
};

const writeNew = async (file: string, content: Uint8Array): Promise<void> => {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(await sha256(content));
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Only a good file may take the place of the previous one. */
const keepPrevious = async (file: string): Promise<void> => {
  if (!((await readGood(file)) instanceof Uint8Array)) return;
  await rm(previousOf(file), { force: true });
  await link(file, previousOf(file));
};

export interface LoadedState {
  readonly content: Uint8Array;
  /** It is the one before the newest. */
  readonly isPrevious: boolean;
}

export interface LoadedStates {
  /** From the newest on; damaged ones are left out. */
  readonly candidates: readonly LoadedState[];
  /** Files that are there and hold no whole state. */
  readonly damaged: readonly string[];
}

export const loadStateFiles = async (file: string): Promise<LoadedStates> => {
  const files = [file, previousOf(file)];
  const read = await Promise.all(files.map(readGood));
  return {
    candidates: read.flatMap((content, i) => (content instanceof Uint8Array ? [{ content, isPrevious: i > 0 }] : [])),
    damaged: files.filter((_, i) => read[i] === 'damaged'),
  };
};

/** Undefined: it is not there. */
const readGood = async (file: string): Promise<Uint8Array | 'damaged' | undefined> => {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  if (bytes.length < DIGEST_BYTES) return 'damaged';
  const content = bytes.subarray(DIGEST_BYTES);
  const isGood = (await sha256(content)).equals(bytes.subarray(0, DIGEST_BYTES));
  return isGood ? content : 'damaged';
};

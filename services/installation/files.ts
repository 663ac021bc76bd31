import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileFault } from '#telemetry/file-fault.ts';
import { InstallationError } from './errors.ts';

type Bytes = string | Uint8Array;

const GROUP_AND_OTHERS = 0o077;
const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** A folder that only its owner can enter. @throws InstallationError when it cannot be made, or is there and others can */
export const makeFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new InstallationError(`${folder} cannot be made, ${fileFault(error)}`);
  }
  await checkMode(folder, 'entered', 700);
};

const checkMode = async (path: string, done: string, wanted: number): Promise<void> => {
  const { mode } = await stat(path);
  if ((mode & GROUP_AND_OTHERS) === 0) return;
  const found = (mode & 0o777).toString(8);
  throw new InstallationError(`${path} may be ${done} by others (mode ${found}): chmod ${wanted} ${path}`);
};

/** Puts a file in place whole, for its owner alone. With `replace` false one that is there stays. */
const put = async (file: string, content: Bytes, replace: boolean): Promise<void> => {
  await makeFolder(dirname(file));
  const temporary = `${file}.${randomUUID()}`;
  try {
    const created = await open(temporary, 'wx', 0o600);
    try {
      await created.writeFile(content);
      await created.sync();
    } finally {
      await created.close();
    }
    if (replace) await rename(temporary, file);
    else await link(temporary, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    const text = `${file} cannot be written, ${fileFault(error)}; then run it again: what is complete stays`;
    throw new InstallationError(text, { cause: error });
  } finally {
    await rm(temporary, { force: true });
  }
};

/** Writes a file, mode 0600, in place of one that may be there. */
export const write = (file: string, content: Bytes): Promise<void> => put(file, content, true);

/** @returns undefined when it is not there */
export const read = async (file: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new InstallationError(`${file} cannot be read, ${fileFault(error)}`);
  }
};

/** A secret. @returns undefined when it is not there @throws InstallationError when others may read it */
export const readSecret = async (file: string): Promise<Buffer | undefined> => {
  const found = await read(file);
  if (found !== undefined) await checkMode(file, 'read', 600);
  return found;
};

/** Reads a file, or makes it when it is not there; what is there is never written over, also by two who do so at once. */
export const keep = async (
  file: string,
  make: () => Bytes | Promise<Bytes>,
  look: (file: string) => Promise<Buffer | undefined> = readSecret,
): Promise<Buffer> => {
  const found = await look(file);
  if (found !== undefined) return found;
  await put(file, await make(), false);
  return (await look(file))!;
};

/** Copies a file that is no secret, unless the copy is there. @returns the copy */
export const keepCopy = async (file: string, from: string): Promise<string> => {
  const copied = async (): Promise<Buffer> => {
    const found = await read(from);
    if (found === undefined) throw new InstallationError(`${from} is missing: put it back from a backup`);
    return found;
  };
  await keep(file, copied, read);
  return file;
};

/** Names in a folder, sorted; none where it is not there. */
export const list = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new InstallationError(`${folder} cannot be read, ${fileFault(error)}`);
  }
};

import fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileFault } from '#telemetry/file-fault.ts';
import { CommandError } from '../failure.ts';

/** Where contexts and sign-ins are kept: `CBR_CONFIG`, else the user's own folder for configuration. */
export const configFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  env['CBR_CONFIG'] || path.join(env['XDG_CONFIG_HOME'] || path.join(homedir(), '.config'), 'cloudbridge');

/** Names of the contexts there are. */
export const contextNames = (): string[] => {
  try {
    const files = fs.readdirSync(path.join(configFolder(), 'contexts'));
    return files.flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -5)] : [])).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** @returns undefined when there is no such file */
export const readIfThere = (file: string): string | undefined => {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`${file} cannot be read, ${fileFault(error)}.`);
  }
};

/**
 * Writes a file that only its owner may read; whoever reads it meanwhile sees the old or the new one, whole.
 *
 * @throws CommandError when it cannot be written; the old one stays then
 */
export const writeOwnFile = (file: string, text: string): void => {
  const draft = `${file}.${process.pid}.new`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.rmSync(draft, { force: true });
    writeSynced(draft, text);
    fs.renameSync(draft, file);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw new CommandError(`${file} cannot be written, ${fileFault(error)}.`);
  }
};

const writeSynced = (file: string, text: string): void => {
  const handle = fs.openSync(file, 'wx', 0o600);
  try {
    // Unlike `writeSync` it goes on after a part, and so meets the end of the disk.
    fs.writeFileSync(handle, text);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
};

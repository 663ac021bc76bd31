import fs from 'node:fs';
import path from 'node:path';
import { CommandError } from '../failure.ts';
import { didYouMean } from '../suggest.ts';
import { type Context, checkContextName, parseContext } from './context.ts';
import { configFolder, contextNames, readIfThere, writeOwnFile } from './files.ts';

const contextFile = (name: string): string => path.join(configFolder(), 'contexts', `${checkContextName(name)}.json`);
const currentFile = (): string => path.join(configFolder(), 'current');
/** What a sign-in gave; beside the context, for it changes by itself. */
export const sessionFile = (name: string): string =>
  path.join(configFolder(), 'sessions', `${checkContextName(name)}.json`);

/** The context that commands use when none is named. */
export const currentContextName = (): string | undefined => readIfThere(currentFile())?.trim() || undefined;

/** @returns undefined when there is none of this name */
export const findContext = (name: string): Context | undefined => {
  const text = readIfThere(contextFile(name));
  return text === undefined ? undefined : parseContext(text, contextFile(name));
};

/** @throws CommandError when there is none of this name */
export const readContext = (name: string): Context => {
  const context = findContext(name);
  if (context !== undefined) return context;
  const mend = didYouMean(name, contextNames()) || ' `cloudbridge context list` shows those there are.';
  throw new CommandError(`There is no context \`${name}\`.${mend}`);
};

export const writeContext = (name: string, context: Context): void =>
  writeOwnFile(contextFile(name), `${JSON.stringify(context, null, 2)}\n`);

export const useContext = (name: string): void => writeOwnFile(currentFile(), `${name}\n`);

/** Removes it with what its sign-in gave. @returns whether there was one */
export const deleteContext = (name: string): boolean => {
  const existed = fs.existsSync(contextFile(name));
  fs.rmSync(contextFile(name), { force: true });
  fs.rmSync(sessionFile(name), { force: true });
  if (currentContextName() === name) fs.rmSync(currentFile(), { force: true });
  return existed;
};

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Fault } from './faults.ts';

/** What became of faults that were tried, so that a run which was stopped goes on, and slices add up. */
export interface Journal {
  /** @returns whether the tests noticed it, undefined when it was not tried */
  noticed(fault: Fault): boolean | undefined;
  add(fault: Fault, noticed: boolean): void;
  /** Takes in what another run has written meanwhile. */
  reload(): void;
}

const key = ({ file, number }: Fault): string => `${file} ${number}`;
const LINE = /^(noticed|survived) (.+ \d+)$/;

/** A journal that ends with the run. */
export const newJournal = (): Journal => {
  const found = new Map<string, boolean>();
  return {
    noticed: (fault) => found.get(key(fault)),
    add: (fault, noticed) => void found.set(key(fault), noticed),
    reload: () => {},
  };
};

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

/** What findings are of: all files together, and each by itself. */
interface Origin {
  readonly of: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** The files that the findings of a journal are of: beside it, as JSON. */
const filesOf = (path: string): string => `${path}.files.json`;

/** Whether all that there was is still as it was, and something was added: tests most likely. */
const hasOnlyGrown = (path: string, files: Readonly<Record<string, string>>): boolean => {
  const text = textOf(filesOf(path));
  const before = Object.entries<string>(text === '' ? {} : JSON.parse(text));
  return before.length > 0 && before.every(([file, of]) => files[file] === of);
};

/** What a journal begins with. More tests notice no less: where files were added only, what was noticed before is kept. */
const beginningOf = (path: string, text: string, head: string, files: Readonly<Record<string, string>>): string => {
  if (!hasOnlyGrown(path, files)) return head;
  const noticed = text
    .split('\n')
    .slice(1, -1)
    .filter((line) => LINE.exec(line)?.[1] === 'noticed');
  return [head, ...noticed.map((line) => `${line}\n`)].join('');
};

/**
 * A journal in a file: a line a fault, written as soon as it is known. Several runs may add to it at once.
 *
 * @param origin what the findings are of; one of anything else is begun anew, but for what was noticed where files were added only
 * @param again whether to begin anew in any case
 */
export const openJournal = (path: string, { of, files = {} }: Origin, again = false): Journal => {
  const head = `of ${of}\n`;
  const text = textOf(path);
  mkdirSync(dirname(path), { recursive: true });
  if (again || !text.startsWith(head)) {
    writeFileSync(path, again ? head : beginningOf(path, text, head, files));
    writeFileSync(filesOf(path), `${JSON.stringify(files)}\n`);
  }
  // A run that was killed may have left half a line.
  else if (!text.endsWith('\n')) appendFileSync(path, '\n');
  const found = new Map<string, boolean>();
  const reload = (): void => {
    const [first, ...lines] = textOf(path).split('\n');
    if (`${first}\n` !== head) return;
    // What follows the last line feed is still being written.
    for (const line of lines.slice(0, -1)) {
      const [, result, name] = LINE.exec(line) ?? [];
      if (name !== undefined) found.set(name, result === 'noticed');
    }
  };
  reload();
  return {
    noticed: (fault) => found.get(key(fault)),
    add: (fault, noticed) => {
      found.set(key(fault), noticed);
      appendFileSync(path, `${noticed ? 'noticed' : 'survived'} ${key(fault)}\n`);
    },
    reload,
  };
};

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

/**
 * A journal in a file: a line a fault, written as soon as it is known. Several runs may add to it at once.
 *
 * @param of what the findings are of; one of anything else is begun anew
 * @param again whether to begin anew in any case
 */
export const openJournal = (path: string, of: string, again = false): Journal => {
  const head = `of ${of}\n`;
  const text = textOf(path);
  mkdirSync(dirname(path), { recursive: true });
  if (again || !text.startsWith(head)) writeFileSync(path, head);
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

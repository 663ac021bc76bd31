import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { namespaceId } from '#host/thread/namespace-id.ts';
import { fileFault } from '#telemetry/file-fault.ts';
import { ConnectFailure } from './failure.ts';

/** Arguments of `ip` that undo one change. */
export type Undo = readonly string[];

interface Header {
  readonly pid: number;
  /** Ticks since boot at which the process started: with the pid, unique. */
  readonly startTime: string;
  readonly device: string;
}

/** Field 22 of /proc/PID/stat (proc(5)), behind a name that may hold anything; undefined when there is no such process. */
const startTimeOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
};

const parse = (file: string): { header: Header; undos: Undo[] } | undefined => {
  try {
    const [first = '', ...rest] = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    // The last line may be cut when the process died while it wrote; then that change was not made yet.
    const undos = rest.flatMap((line) => {
      try {
        return [JSON.parse(line) as Undo];
      } catch {
        return [];
      }
    });
    return { header: JSON.parse(first) as Header, undos };
  } catch {
    return undefined;
  }
};

/** Nothing is changed that could not be undone. @throws ConnectFailure */
const writing = (file: string, write: () => void): void => {
  try {
    write();
  } catch (error) {
    throw new ConnectFailure(
      `${file}, which says what is to be undone, cannot be written, ${fileFault(error)}`,
      'fatal',
    );
  }
};

/**
 * What one process changed in the network configuration, written down before it is done, so that the next start can undo
 * it when the process was killed. One file for each device and network namespace.
 */
export class NetJournal {
  readonly #file: string;
  readonly #undos: Undo[] = [];

  private constructor(file: string) {
    this.#file = file;
  }

  /** @param folder is made if it is not there */
  static begin(folder: string, device: string): NetJournal {
    const file = path.join(folder, `${namespaceId()}-${device}.jsonl`);
    const header: Header = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '', device };
    writing(file, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, `${JSON.stringify(header)}\n`, { mode: 0o600 });
    });
    return new NetJournal(file);
  }

  /** A change is about to be made; this undoes it. */
  add(undo: Undo): void {
    if (this.#undos.some((known) => known.join('\0') === undo.join('\0'))) return;
    writing(this.#file, () => appendFileSync(this.#file, `${JSON.stringify(undo)}\n`));
    this.#undos.push(undo);
  }

  /** Newest first. */
  get undos(): readonly Undo[] {
    return this.#undos.toReversed();
  }

  /** Everything is undone. */
  remove(): void {
    rmSync(this.#file, { force: true });
  }
}

/** What processes left in this network namespace: of dead ones what to undo, and who is alive. */
export const leftBehind = (
  folder: string,
): { readonly dead: { file: string; undos: Undo[] }[]; readonly alive: Header[] } => {
  const dead: { file: string; undos: Undo[] }[] = [];
  const alive: Header[] = [];
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith(`${namespaceId()}-`));
  } catch {
    return { dead, alive };
  }
  for (const name of names) {
    const file = path.join(folder, name);
    const journal = parse(file);
    if (journal !== undefined && startTimeOf(journal.header.pid) === journal.header.startTime)
      alive.push(journal.header);
    else dead.push({ file, undos: (journal?.undos ?? []).toReversed() });
  }
  return { dead, alive };
};

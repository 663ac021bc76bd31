import fs from 'node:fs';
import path from 'node:path';
import { home } from '#scripts/setup/paths.mjs';
import { type CommandOptions, runCommand, until } from './command.ts';
import { LabError } from './errors.ts';
import { Journal } from './journal.ts';
import { lockHolder, takeLock } from './lock.ts';
import { createNamespaces, listNamespaces, undoJournal } from './namespaces.ts';
import { isRunning, signal } from './pids.ts';
import { type LabProcess, type ProcessSpec, startProcess } from './process.ts';
import { makeTopology, namespaceOf, type Topology } from './topology.ts';

// Sixteen bytes for a name of a network device (IFNAMSIZ) are no limit here: devices are named inside their namespace.
const NAME = /^[a-z][a-z0-9]{0,15}$/;

const checkName = (name: string): void => {
  if (!NAME.test(name)) {
    throw new LabError(`\`${name}\` is no name for a lab: use 1 to 16 lower-case letters and digits, a letter first.`);
  }
};

const folder = path.join(home, 'lab');
const lockFile = (name: string): string => path.join(folder, `${name}.lock`);
const journalOf = (name: string): Journal => new Journal(path.join(folder, `${name}.journal`));

/** Where a lab's programs log. */
export const logFolder = (name: string): string => path.join(home, 'log', name);

/** What the caller of `Lab.start` states; the lab knows the rest. */
export type StartSpec = Omit<ProcessSpec, 'namespace' | 'logFile'> & { readonly host?: string };

/** The namespaces of one running lab and the programs inside. Everything ends with `destroy`. */
export class Lab {
  readonly name: string;
  /** Undefined for a lab without namespaces, where everything runs on the loopback of the machine. */
  readonly topology: Topology | undefined;
  readonly #journal: Journal;
  readonly #releaseLock: () => void;
  readonly #processes: LabProcess[] = [];

  private constructor(name: string, topology: Topology | undefined, journal: Journal, releaseLock: () => void) {
    this.name = name;
    this.topology = topology;
    this.#journal = journal;
    this.#releaseLock = releaseLock;
  }

  /** Takes the lock, clears what a crashed run left and makes the namespaces (`pops` of 0: none). Throws `LabError`. */
  static async create(name: string, pops: number): Promise<Lab> {
    checkName(name);
    const releaseLock = takeLock(lockFile(name), name);
    const journal = journalOf(name);
    try {
      await undoJournal(journal);
      fs.rmSync(logFolder(name), { recursive: true, force: true });
      const topology = pops === 0 ? undefined : makeTopology(name, pops);
      if (topology) await createNamespaces(topology, journal);
      return new Lab(name, topology, journal, releaseLock);
    } catch (error) {
      await undoJournal(journal);
      releaseLock();
      throw error;
    }
  }

  /** Runs a program to its end on a host of the lab. Resolves to its stdout. */
  exec(host: string, command: string, args: readonly string[], options?: CommandOptions): Promise<string> {
    if (!this.topology) return runCommand(command, args, options);
    return runCommand('ip', ['netns', 'exec', namespaceOf(this.name, host), command, ...args], options);
  }

  /** `ip -batch` lines inside a host's namespace. */
  configure(host: string, batch: string): Promise<string> {
    return this.exec(host, 'ip', ['-batch', '-'], { input: batch });
  }

  /** Starts a program that runs until it is stopped or the lab ends; resolves when it is ready. */
  async start({ host, ...spec }: StartSpec): Promise<LabProcess> {
    const inside = this.topology && host !== undefined ? { namespace: namespaceOf(this.name, host) } : {};
    const logFile = path.join(logFolder(this.name), `${spec.name}.log`);
    const started = await startProcess({ ...spec, ...inside, logFile }, this.#journal);
    this.#processes.push(started);
    await started.ready;
    return started;
  }

  /** Makes an empty folder that only the owner can enter and that ends with the lab. */
  makeFolder(label: string): string {
    const made = path.join(folder, `${this.name}-${label}`);
    this.#journal.append({ kind: 'path', path: made });
    fs.rmSync(made, { recursive: true, force: true });
    fs.mkdirSync(made, { recursive: true, mode: 0o700 });
    return made;
  }

  get processes(): readonly LabProcess[] {
    return this.#processes;
  }

  /** Stops the programs, removes the namespaces, gives the lock back. */
  async destroy(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    await undoJournal(this.#journal);
    this.#releaseLock();
  }
}

/** What of a lab is still there; empty after a clean end. */
export const remainsOf = (name: string): string[] => [
  ...listNamespaces().filter((namespace) => namespace.startsWith(`${name}-`)),
  ...[lockFile(name), journalOf(name).file].filter((file) => fs.existsSync(file)),
];

const STOP_MS = 15_000;

/** Ends a lab from outside, also one whose process was killed. Returns whether there was anything to end. */
export const takeDown = async (name: string): Promise<boolean> => {
  checkName(name);
  const holder = lockHolder(lockFile(name));
  if (holder) {
    signal(holder.pid, 'SIGTERM');
    await until(`process ${holder.pid} ends`, STOP_MS, () => !isRunning(holder.pid, holder.startTime)).catch(() =>
      signal(holder.pid, 'SIGKILL'),
    );
  }
  const undone = await undoJournal(journalOf(name));
  fs.rmSync(lockFile(name), { force: true });
  return holder !== undefined || undone > 0;
};

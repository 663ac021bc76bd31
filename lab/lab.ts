import fs from 'node:fs';
import path from 'node:path';
import { home } from '#scripts/setup/paths.mjs';
import { type CommandOptions, runCommand, until } from './command.ts';
import { LabError } from './errors.ts';
import { Journal } from './journal.ts';
import { filesOf, mountsOf } from './left.ts';
import { lockHolder, takeLock } from './lock.ts';
import { takeBlock, takePlace } from './loopback.ts';
import { createNamespaces, listNamespaces, netnsIsMounted, undoJournal } from './namespaces.ts';
import { isRunning, runningGroups, signal } from './pids.ts';
import { type Place, placeOf } from './place.ts';
import { type LabProcess, type ProcessSpec, startProcess } from './process.ts';
import { makeTopology, namespaceOf, type Routing, type Topology } from './topology.ts';

// Sixteen bytes for a name of a network device (IFNAMSIZ) are no limit here: devices are named inside their namespace.
const NAME = /^[a-z][a-z0-9]{0,15}$/;

export const checkName = (name: string): void => {
  if (!NAME.test(name)) {
    throw new LabError(`\`${name}\` is no name for a lab: use 1 to 16 lower-case letters and digits, a letter first.`);
  }
};

const folder = path.join(home, 'lab');
const lockFile = (name: string): string => path.join(folder, `${name}.lock`);
/** A folder of a lab, which ends with it. */
export const labFolder = (name: string, label: string): string => path.join(folder, `${name}-${label}`);
const journalOf = (name: string): Journal => new Journal(path.join(folder, `${name}.journal`));

/** Where a lab's programs log. */
export const logFolder = (name: string): string => path.join(home, 'log', name);

/** For what was killed to be gone. */
const GONE_MS = 2000;

const namespacesOf = (name: string): string[] =>
  listNamespaces().filter((namespace) => namespace.startsWith(`${name}-`));

/** What the caller of `Lab.start` states; the lab knows the rest. */
export type StartSpec = Omit<ProcessSpec, 'namespace' | 'logFile'> & {
  readonly host?: string;
  /** Files that it leaves outside of the lab's folders. */
  readonly makes?: readonly string[];
};

/** What a lab stands on. */
interface Ground {
  readonly place: Place;
  /** Undefined without namespaces, where everything is on the loopback of the machine. */
  readonly topology?: Topology;
  readonly release: () => Promise<void>;
  /** `/run/netns` was no mount point before. */
  readonly mounted?: boolean;
  /** What listens on the machine's loopback for it. */
  readonly listening: () => string[];
}

const layNamespaces = async (name: string, pops: number, routing: Routing, journal: Journal): Promise<Ground> => {
  const topology = makeTopology(name, pops, routing);
  const { addresses, release, listening } = await takeBlock(topology.pops);
  try {
    await createNamespaces(topology, journal);
  } catch (error) {
    await release();
    throw error;
  }
  const mounted = journal.read().some(({ kind }) => kind === 'netns-mount');
  return { topology, place: placeOf(topology, addresses), release, listening, mounted };
};

/** One running lab: where it is, and the programs that run there. Everything ends with `destroy`. */
export class Lab {
  readonly name: string;
  readonly #ground: Ground;
  readonly #journal: Journal;
  readonly #releaseLock: () => void;
  readonly #processes: LabProcess[] = [];

  private constructor(name: string, ground: Ground, journal: Journal, releaseLock: () => void) {
    this.name = name;
    this.#ground = ground;
    this.#journal = journal;
    this.#releaseLock = releaseLock;
  }

  /** Takes the lock, clears what a crashed run left, and makes namespaces or takes addresses. Throws `LabError`. */
  static async create(
    name: string,
    pops: number,
    on: 'namespaces' | 'loopback',
    routing: Routing = 'static',
  ): Promise<Lab> {
    checkName(name);
    const releaseLock = takeLock(lockFile(name), name);
    const journal = journalOf(name);
    try {
      await undoJournal(journal);
      fs.rmSync(logFolder(name), { recursive: true, force: true });
      const ground = on === 'loopback' ? await takePlace(pops) : await layNamespaces(name, pops, routing, journal);
      return new Lab(name, ground, journal, releaseLock);
    } catch (error) {
      await undoJournal(journal);
      releaseLock();
      throw error;
    }
  }

  get place(): Place {
    return this.#ground.place;
  }

  /** Undefined for a lab without namespaces. */
  get topology(): Topology | undefined {
    return this.#ground.topology;
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
  async start({ host, makes = [], ...spec }: StartSpec): Promise<LabProcess> {
    for (const file of makes) this.#journal.append({ kind: 'path', path: file });
    const inside = this.topology && host !== undefined ? { namespace: namespaceOf(this.name, host) } : {};
    const logFile = path.join(logFolder(this.name), `${spec.name}.log`);
    const started = await startProcess({ ...spec, ...inside, logFile }, this.#journal);
    this.#processes.push(started);
    await started.ready;
    return started;
  }

  /** Makes an empty folder that only the owner can enter and that ends with the lab. */
  makeFolder(label: string): string {
    const made = labFolder(this.name, label);
    this.#journal.append({ kind: 'path', path: made });
    fs.rmSync(made, { recursive: true, force: true });
    fs.mkdirSync(made, { recursive: true, mode: 0o700 });
    return made;
  }

  get processes(): readonly LabProcess[] {
    return this.#processes;
  }

  /** Stops the programs, removes the namespaces, gives addresses and lock back. */
  async destroy(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    // SIGKILL is sent; when it has worked is for the kernel to say, and what it never does `remains` tells.
    await until('all processes end', GONE_MS, () => this.#leftProcesses().length === 0).catch(() => {});
    await undoJournal(this.#journal);
    await this.#ground.release();
    this.#releaseLock();
  }

  #leftProcesses(): LabProcess[] {
    const groups = new Set(runningGroups(this.#processes.map(({ pid }) => pid)));
    return this.#processes.filter(({ pid }) => groups.has(pid));
  }

  /** What of it is still there; empty after a clean end. */
  remains(): string[] {
    return [
      ...this.#leftProcesses().map(({ name, pid }) => `${name} (process ${pid})`),
      ...this.#ground.listening(),
      ...(this.topology === undefined ? [] : namespacesOf(this.name)),
      ...filesOf(folder, this.name),
      ...mountsOf([folder], this.name),
      ...(this.#ground.mounted && listNamespaces().length === 0 && netnsIsMounted() ? ['the mount of /run/netns'] : []),
    ];
  }
}

const STOP_MS = 15_000;

/** Ends a lab from outside, also one whose process was killed. Returns whether there was anything to end. */
export const takeDown = async (name: string): Promise<boolean> => {
  checkName(name);
  const holder = lockHolder(lockFile(name));
  if (holder) {
    try {
      signal(holder.pid, 'SIGTERM');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new LabError(
        `Process ${holder.pid}, which holds lab \`${name}\`, may not be ended by you (${code}): run this as its user.`,
      );
    }
    const hasEnded = (): boolean => !isRunning(holder.pid, holder.startTime);
    await until(`process ${holder.pid} ends`, STOP_MS, hasEnded).catch(() => {
      signal(holder.pid, 'SIGKILL');
      return until(`process ${holder.pid} is killed`, GONE_MS, hasEnded);
    });
  }
  const journal = journalOf(name);
  if (![lockFile(name), journal.file].some((file) => fs.existsSync(file))) return holder !== undefined;
  const releaseLock = takeLock(lockFile(name), name);
  try {
    return (await undoJournal(journal)) > 0 || holder !== undefined;
  } finally {
    releaseLock();
  }
};

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { until } from '#lab/command.ts';
import { signal } from '#lab/pids.ts';
import { causeOf } from './cause.ts';
import { type Announcement, JsonLines } from './json-lines.ts';
import { isBound, type Listening } from './sockets.ts';

/** How one implementation's program is started. It announces itself by JSON lines, or is a plain program. */
export type ProgramSpec = {
  /** For people: `quic-go file-server`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A Node program that announces itself over IPC (`process.send`). */
  readonly ipc?: boolean;
  /** What such a program takes for its orders. */
  readonly order?: object;
  /** It is ready with its first line that has this `type`, instead of one that has `ready`. */
  readonly readyType?: string;
  /** A server that says nothing: it is ready when it listens there. */
  readonly listens?: Listening;
  /** It goes on until its standard input ends, which is not before it is stopped. */
  readonly waitsForInput?: boolean;
};

/** Where a program runs. */
export type Place = {
  /** Network namespace; absent: the machine's own. */
  readonly namespace?: string;
  /** The one CPU it may use, before whatever else runs on this machine; absent: all, like everybody. */
  readonly cpu?: number;
  /** On any CPU, its first thread before all that is not in real time, as far as that is allowed. */
  readonly realTime?: boolean;
};

const READY_MS = 20_000;
const STOP_MS = 3_000;
const KEPT_CHARACTERS = 4_000;

/**
 * In front of a command that is measured: a busy machine shares a CPU among threads, and so gives most to who has most of
 * them. Whoever may not do that goes on without it.
 */
export const FIRST = ['nice', '-n', '-20'] as const;

/**
 * In front of a command whose moments are measured. Whatever their weight, threads wait for the slice of another to end, and
 * one that has a CPU to itself waits for those that compile its code: what it makes does not inherit this.
 */
const REAL_TIME = ['chrt', '--reset-on-fork', '--fifo', '1'];
let allowed: boolean | undefined;
const inRealTime = (): readonly string[] => {
  const [chrt = '', ...args] = REAL_TIME;
  allowed ??= spawnSync(chrt, [...args, 'true']).status === 0;
  return allowed ? REAL_TIME : [];
};

/**
 * The kernel may share a CPU among sessions first (sched_autogroup_enabled), and look at nice values only within one: then
 * this session, which all that is measured belongs to, must go before others too.
 */
const goFirst = (): void => {
  try {
    writeFileSync('/proc/self/autogroup', '-20');
  } catch {
    // There are no such groups here, or it is not allowed.
  }
};

/** Words in front of a command that put it in its place; it dies with us (PR_SET_PDEATHSIG outlives the execs). */
const commandLine = ({ command, args }: ProgramSpec, { namespace, cpu, realTime = false }: Place): string[] => [
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...(namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]),
  ...(cpu === undefined ? [] : [...FIRST, 'taskset', '-c', String(cpu)]),
  ...(realTime ? inRealTime() : []),
  command,
  ...args,
];

type Exit = { readonly code: number | null; readonly killedBy: NodeJS.Signals | null };

/**
 * It has ended and all that it printed has been read. (Not the event `close`: that does not come when this side
 * disconnects the IPC channel.)
 */
const endOf = async (child: ChildProcess): Promise<Exit> => {
  const closed = (stream: Readable | null) =>
    new Promise<void>((resolve) => stream?.once('close', resolve) ?? resolve());
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', ({ message }) => reject(new Error(`It could not be started: ${message}.`)));
    child.once('exit', (code, killedBy) => resolve({ code, killedBy }));
  });
  const [exit] = await Promise.all([exited, closed(child.stdout), closed(child.stderr)]);
  return exit;
};

/** A program of a measurement or a test, from its start to its end. */
export class Program {
  readonly name: string;
  /** What it announced, once it can be talked to; rejects if it ends before. */
  readonly ready: Promise<unknown>;
  /** What it announced at its end: undefined for a program that announces nothing. Rejects when it failed. */
  readonly result: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #announced = Promise.withResolvers<unknown>();
  #result: unknown;
  #stopping = false;
  #errors = '';
  #output = '';

  constructor(spec: ProgramSpec, place: Place = {}) {
    this.name = spec.name;
    const [command = '', ...args] = commandLine(spec, place);
    if (place.cpu !== undefined || place.realTime) goFirst();
    const input = spec.waitsForInput ? 'pipe' : 'ignore';
    const child = spawn(command, args, {
      env: { ...process.env, ...spec.env },
      stdio: spec.ipc ? [input, 'pipe', 'pipe', 'ipc'] : [input, 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#listen(child, spec);
    if (spec.order !== undefined) child.send(spec.order);
    const exit = endOf(child);
    this.#ended = exit.then(
      () => {},
      () => {},
    );
    this.result = exit.then((how) => this.#outcome(how));
    this.ready = this.#whenReady(spec);
    // Whoever waits for one of them may not wait for the other.
    this.result.catch(() => {});
    this.ready.catch(() => {});
  }

  /** Of the process itself: what puts a program in its place becomes the program. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** All that it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** The last of what it has said on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** SIGTERM, SIGKILL after three seconds. Resolves to what it announced at its end, if anything. */
  async stop(): Promise<unknown> {
    this.#stopping = true;
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), STOP_MS);
    await this.#ended;
    clearTimeout(timer);
    return this.#result;
  }

  /** Waits for the end of a program that ends by itself. @throws an Error that says how it failed */
  async finish(limitMs: number): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`${this.name} took more than ${limitMs / 1000} s. ${causeOf(this.#errors)}`)),
      limitMs,
    );
    try {
      return await Promise.race([this.result, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #signal(name: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) signal(pid, name);
  }

  #listen(child: ChildProcess, { readyType }: ProgramSpec): void {
    const lines = new JsonLines();
    const tellsReady = (line: Announcement): boolean =>
      readyType === undefined ? 'ready' in line : line['type'] === readyType;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      for (const line of lines.push(text)) if ('result' in line || tellsReady(line)) this.#take(line);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-KEPT_CHARACTERS);
    });
    child.on('message', (message: Announcement) => this.#take(message));
  }

  #take(announcement: Announcement): void {
    if ('result' in announcement) {
      this.#result = announcement['result'];
      if (this.#child.connected) this.#child.disconnect();
    } else this.#announced.resolve('ready' in announcement ? announcement['ready'] : announcement);
  }

  #outcome({ code, killedBy }: Exit): unknown {
    if (code === 0 || this.#stopping) return this.#result;
    const how = killedBy === null ? `ended with ${code}` : `was ended by ${killedBy}`;
    throw new Error(`${this.name} ${how}: ${causeOf(this.#errors)}`);
  }

  async #whenReady({ listens }: ProgramSpec): Promise<unknown> {
    const gone = this.result.then(() => {
      throw new Error(`${this.name} ended before it was ready.`);
    });
    const bound =
      listens === undefined
        ? this.#announced.promise
        : until(`${this.name} listens`, READY_MS, () => isBound(this.pid, listens));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`${this.name} was not ready in time.`)), READY_MS);
    try {
      return await Promise.race([bound, gone, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Runs `work` with a way to start programs that all end with it. */
export const withPrograms = async <T>(
  work: (start: (spec: ProgramSpec, place?: Place) => Program) => Promise<T>,
): Promise<T> => {
  const started: Program[] = [];
  try {
    return await work((spec, place) => {
      const program = new Program(spec, place);
      started.push(program);
      return program;
    });
  } finally {
    await Promise.all(started.toReversed().map((program) => program.stop()));
  }
};

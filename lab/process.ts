import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from './errors.ts';
import type { Journal } from './journal.ts';
import { signal, startTimeOf } from './pids.ts';
import { shareAsWeDo } from './sharing.ts';

const STOP_MS = 3_000;
const LOOK_MS = 20;

export type ProcessSpec = {
  /** Unique in the lab; names the log file. */
  readonly name: string;
  /** The network namespace to run in; absent: the machine's own. */
  readonly namespace?: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** A Node program that calls `process.send` once it serves: `ready` waits for that. */
  readonly announcesReady?: boolean;
  /** What another program writes to its log once it serves: `ready` waits for that. */
  readonly readyText?: string;
  /** How much it comes behind other programs of the machine; 0 by default. */
  readonly nicer?: number;
};

/** A program that runs beside the lab and ends with it. */
export class LabProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the program announces itself; rejects if it ends before. */
  readonly ready: Promise<unknown>;
  /** Resolves to how it ended, for people. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #running = true;

  /** @param logBytes that were in the log before */
  constructor(spec: ProcessSpec, child: ChildProcess, logBytes: number) {
    this.name = spec.name;
    this.#child = child;
    this.pid = child.pid!;
    this.logFile = spec.logFile;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, killedBy) => {
        this.#running = false;
        resolve(killedBy === null ? `ended with ${code}` : `was ended by ${killedBy}`);
      });
    });
    this.ready = Promise.all([
      spec.announcesReady ? this.#firstMessage(child) : undefined,
      spec.readyText === undefined ? undefined : this.#logs(spec.readyText, logBytes),
    ]);
    // Nobody may be waiting when it fails: then `ended` tells.
    this.ready.catch(() => {});
  }

  get running(): boolean {
    return this.#running;
  }

  #firstMessage(child: ChildProcess): Promise<unknown> {
    return new Promise((resolve, reject) => {
      child.once('message', resolve);
      this.ended.then((how) => reject(this.#endedEarly(how)));
    });
  }

  async #logs(text: string, logBytes: number): Promise<void> {
    while (!fs.readFileSync(this.logFile).subarray(logBytes).includes(text)) {
      if (!this.#running) throw this.#endedEarly(await this.ended);
      await sleep(LOOK_MS);
    }
  }

  #endedEarly(how: string): LabError {
    return new LabError(`${this.name} ${how} before it was ready.`, this.logFile);
  }

  /** Gives a server's sockets to a program that announced itself, with a message that says what for. */
  send(message: object, server: net.Server): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.send(message, server, (error) => {
        if (error === null) resolve();
        else reject(new LabError(`${this.name} takes no sockets: ${error.message}.`, this.logFile));
      });
    });
  }

  /** SIGKILL to its process group; resolves when it is gone. */
  async kill(): Promise<void> {
    signal(-this.pid, 'SIGKILL');
    await this.ended;
  }

  /** SIGTERM to its process group, SIGKILL to what is left of it after three seconds. */
  async stop(): Promise<void> {
    if (this.#running) {
      signal(-this.pid, 'SIGTERM');
      const timer = setTimeout(() => signal(-this.pid, 'SIGKILL'), STOP_MS);
      await this.ended;
      clearTimeout(timer);
    }
    signal(-this.pid, 'SIGKILL');
  }
}

/**
 * Starts a program in its own process group with stdout and stderr in its log. It dies when this process does, however
 * that happens (PR_SET_PDEATHSIG by setpriv(1), kept across the execs that follow), and is in the journal besides.
 */
export const startProcess = (spec: ProcessSpec, journal: Journal): Promise<LabProcess> => {
  fs.mkdirSync(path.dirname(spec.logFile), { recursive: true });
  const log = fs.openSync(spec.logFile, 'a');
  const logBytes = fs.fstatSync(log).size;
  const inside = spec.namespace === undefined ? [] : ['ip', 'netns', 'exec', spec.namespace];
  const { nicer = 0 } = spec;
  const behind = nicer === 0 ? [] : ['nice', '-n', `${nicer}`];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...inside, ...behind, spec.command, ...spec.args], {
    detached: true,
    ...(spec.cwd !== undefined && { cwd: spec.cwd }),
    env: { ...process.env, ...spec.env },
    stdio: spec.announcesReady ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
  });
  fs.closeSync(log);
  return new Promise((resolve, reject) => {
    child.once('error', ({ message }) => reject(new LabError(`${spec.name} could not be started: ${message}.`)));
    child.once('spawn', () => {
      const pid = child.pid!;
      shareAsWeDo(pid, nicer);
      const startTime = startTimeOf(pid);
      if (startTime !== undefined) journal.append({ kind: 'process', name: spec.name, pid, startTime });
      resolve(new LabProcess(spec, child, logBytes));
    });
  });
};

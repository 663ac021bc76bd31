import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Program, withPrograms } from '#bench/harness/program.ts';
import { runCommand } from '#lab/command.ts';
import { birdPeer } from '#scripts/setup/debian-peers.mjs';

const LIMIT_MS = 10_000;
const LOOK_MS = 10;
/** It goes before ordinary processes, as our BFD thread does: what is looked at is not how busy the machine is. */
const FIRST = ['--rr', '10'];

/** A BIRD that runs: what it is asked by `birdcl`, and the process itself. */
export class Bird {
  readonly #program: Program;
  readonly #birdcl: string;
  readonly #folder: string;

  constructor(program: Program, birdcl: string, folder: string) {
    this.#program = program;
    this.#birdcl = birdcl;
    this.#folder = folder;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What it answers to a command, such as `show bfd sessions`. */
  ask(...words: string[]): Promise<string> {
    const socket = path.join(this.#folder, 'bird.ctl');
    return runCommand(this.#birdcl, ['-s', socket, ...words], { timeoutMs: LIMIT_MS });
  }

  /** Reads another configuration; sessions that are in both go on. */
  async configure(text: string): Promise<void> {
    writeFileSync(path.join(this.#folder, 'bird.conf'), text);
    const said = await this.ask('configure');
    if (!/Reconfigured|Reconfiguration in progress/.test(said)) throw new Error(`BIRD says: ${said}`);
  }
}

/** Runs `work` beside a BIRD in that namespace. @param more arguments @throws PeerMissing */
export const withBird = async <T>(
  namespace: string,
  configuration: string,
  work: (bird: Bird) => Promise<T>,
  more: readonly string[] = [],
): Promise<T> => {
  const { programs, libraries } = await birdPeer();
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bird-'));
  try {
    const file = (name: string): string => path.join(folder, name);
    writeFileSync(file('bird.conf'), configuration);
    return await withPrograms(async (start) => {
      const program = start(
        {
          name: 'BIRD',
          command: 'chrt',
          args: [
            ...FIRST,
            programs.bird,
            '-f',
            '-c',
            file('bird.conf'),
            '-s',
            file('bird.ctl'),
            '-P',
            file('bird.pid'),
            ...more,
          ],
          env: { LD_LIBRARY_PATH: libraries },
        },
        { namespace },
      );
      let ended: unknown;
      program.result.then(
        () => (ended = new Error('BIRD ended.')),
        (error: unknown) => (ended = error),
      );
      const bird = new Bird(program, programs.birdcl, folder);
      for (const end = performance.now() + LIMIT_MS; ; ) {
        if (ended !== undefined) throw ended;
        try {
          await bird.ask('show', 'status');
          break;
        } catch (error) {
          if (performance.now() > end) throw error;
          await wait(LOOK_MS);
        }
      }
      return work(bird);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** One session as `show bfd sessions` has it. */
export interface BirdSession {
  readonly address: string;
  readonly state: string;
  /** Milliseconds since 1970 when it came to its state. */
  readonly sinceMs: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
}

/** For `timeformat protocol`: what `birdSessions` reads. */
export const TIME_FORMAT = 'timeformat protocol "%s.%f";';

/** The sessions of its BFD. */
export const birdSessions = async (bird: Bird): Promise<BirdSession[]> => {
  const lines = (await bird.ask('show', 'bfd', 'sessions')).split('\n');
  return lines.flatMap((line) => {
    const [address = '', , state = '', since = '', interval = '', timeout = ''] = line.trim().split(/\s+/);
    if (!/^\d+\.\d+$/.test(since)) return [];
    const times = { intervalSeconds: Number(interval), timeoutSeconds: Number(timeout) };
    return [{ address, state, sinceMs: Number(since) * 1000, ...times }];
  });
};

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBird } from '#scripts/setup/debian-peers.mjs';
import { type AddressFamily, birdConfig, FAMILIES } from './bird-config.ts';
import { runCommand } from './command.ts';
import { LabError } from './errors.ts';
import type { Lab } from './lab.ts';
import type { LabProcess } from './process.ts';
import { ANYCAST_PREFIXES } from './topology.ts';

const START_MS = 5000;
const LOOK_MS = 10;
/** Before ordinary processes, where that is allowed: how busy this machine is must not look like a PoP that is gone. */
const REAL_TIME = ['--rr', '10'];

/** A path to the anycast prefix of one family, as BIRD has it. */
export interface BirdPath {
  readonly pop: string;
  readonly family: AddressFamily;
  /** It is the one that packets take. */
  readonly isBest: boolean;
}

/** @param text what `show route` said: a line for each path, indented where its prefix is that of the line before */
export const parsePaths = (text: string): BirdPath[] =>
  [...text.matchAll(/^\S* +unicast \[([a-z0-9]+)_(v4|v6) [^\]]*\] (\*?)/gm)].map(([, pop = '', family, star]) => ({
    pop,
    family: family as AddressFamily,
    isBest: star === '*',
  }));

/** Whether packets to the anycast addresses of both families go to this PoP. */
export const leadTo =
  (pop: string) =>
  (paths: readonly BirdPath[]): boolean =>
    paths.filter((path) => path.pop === pop && path.isBest).length === FAMILIES.length;

/** Whether these PoPs announce the anycast addresses of both families, and no others do. */
export const announcedBy =
  (pops: readonly string[]) =>
  (paths: readonly BirdPath[]): boolean =>
    paths.length === pops.length * FAMILIES.length && paths.every(({ pop }) => pops.includes(pop));

/** `upstream`, a BIRD that the PoPs speak BGP with. */
export class Bird {
  readonly #process: LabProcess;
  readonly #birdcl: string;
  readonly #socket: string;

  private constructor(process: LabProcess, birdcl: string, socket: string) {
    this.#process = process;
    this.#birdcl = birdcl;
    this.#socket = socket;
  }

  /** Starts it; resolves when it answers. */
  static async start(lab: Lab): Promise<Bird> {
    const found = findBird();
    if (found === undefined || lab.topology === undefined)
      throw new LabError('There is no BIRD here: run `npm start`.');
    const folder = lab.makeFolder('upstream');
    const file = (name: string): string => path.join(folder, name);
    fs.writeFileSync(file('bird.conf'), birdConfig(lab.topology));
    const args = ['-f', '-c', file('bird.conf'), '-s', file('bird.ctl'), '-P', file('bird.pid')];
    const mayGoFirst = spawnSync('chrt', [...REAL_TIME, 'true']).status === 0;
    const [command = '', ...rest] = [...(mayGoFirst ? ['chrt', ...REAL_TIME] : []), found.programs.bird, ...args];
    const env = { LD_LIBRARY_PATH: found.libraries };
    const process = await lab.start({ name: 'upstream', host: 'upstream', command, args: rest, env });
    const bird = new Bird(process, found.programs.birdcl, file('bird.ctl'));
    await bird.#untilItAnswers();
    return bird;
  }

  /** What it answers to a command, such as `show protocols`. */
  ask(...words: readonly string[]): Promise<string> {
    return runCommand(this.#birdcl, ['-s', this.#socket, ...words]);
  }

  /** All paths to the anycast addresses. */
  async paths(): Promise<BirdPath[]> {
    const isAnycast = FAMILIES.map((family) => `net = ${ANYCAST_PREFIXES[family]}`).join(' || ');
    return parsePaths(await this.ask('show', 'route', 'where', `source = RTS_BGP && (${isAnycast})`));
  }

  /** Looks until its paths are so. @returns them @throws LabError when they are not in time */
  async until(what: string, deadlineMs: number, holds: (paths: readonly BirdPath[]) => boolean): Promise<void> {
    for (const end = performance.now() + deadlineMs; ; await sleep(LOOK_MS)) {
      const paths = await this.paths();
      if (holds(paths)) return;
      if (performance.now() > end) {
        const has = paths.map(({ pop, family, isBest }) => `${pop} ${family}${isBest ? ' (best)' : ''}`).join(', ');
        throw new LabError(
          `Waited ${deadlineMs} ms in vain: ${what}. BIRD has ${has || 'no path'}.`,
          this.#process.logFile,
        );
      }
    }
  }

  async #untilItAnswers(): Promise<void> {
    for (const end = performance.now() + START_MS; ; await sleep(LOOK_MS)) {
      try {
        await this.ask('show', 'status');
        return;
      } catch (error) {
        if (this.#process.running && performance.now() < end) continue;
        throw new LabError(`BIRD does not answer: ${(error as Error).message}`, this.#process.logFile);
      }
    }
  }
}

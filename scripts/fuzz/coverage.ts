import { type Profiler, Session } from 'node:inspector';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../setup/paths.mjs';

/**
 * What of the code in a folder has run at all, by V8's own counters, in blocks. To be started before the code is loaded; it
 * runs a few times slower meanwhile.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #folder: string;
  /** By script, one byte for each character that has run. */
  readonly #seen = new Map<string, Uint8Array>();
  /** What the last `news` found: places in `#seen`. */
  #last: [seen: Uint8Array, at: number][] = [];
  #isOn = false;

  /** @param folder from the top of the clone */
  constructor(folder: string) {
    this.#folder = `${pathToFileURL(join(root, folder)).href}/`;
  }

  start(): void {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    this.#isOn = true;
  }

  /** From now on the code is as fast as ever. */
  stop(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.post('Profiler.disable');
    this.#session.disconnect();
  }

  /** What the last `news` found has not run, as far as the next one goes. */
  forgetLast(): void {
    for (const [seen, at] of this.#last) seen[at] = 0;
    this.#last = [];
  }

  /** Blocks that ran since the last call and never before. */
  news(): number {
    let found = 0;
    this.#last = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error;
      for (const script of taken.result) if (this.#counts(script.url)) found += this.#newIn(script);
    });
    return found;
  }

  #counts(url: string): boolean {
    if (!url.startsWith(this.#folder)) return false;
    const path = url.slice(this.#folder.length);
    return !path.endsWith('.test.ts') && !/(?:^|\/)testing\//.test(path);
  }

  #newIn({ url, functions }: Profiler.ScriptCoverage): number {
    const ran = painted(functions);
    let seen = this.#seen.get(url) ?? new Uint8Array();
    if (seen.length < ran.length) {
      const larger = new Uint8Array(ran.length);
      larger.set(seen);
      this.#seen.set(url, larger);
      seen = larger;
    }
    let blocks = 0;
    let isInside = false;
    for (let at = 0; at < ran.length; at++) {
      const isNew = ran[at] === 1 && seen[at] === 0;
      if (isNew && !isInside) blocks++;
      if (isNew) {
        seen[at] = 1;
        this.#last.push([seen, at]);
      }
      isInside = isNew;
    }
    return blocks;
  }
}

/** 1 for each character that ran. Outer functions and ranges come before inner ones, which know better of their part. */
const painted = (functions: readonly Profiler.FunctionCoverage[]): Uint8Array => {
  const all = functions.flatMap(({ ranges }) => ranges);
  const ran = new Uint8Array(all.reduce((end, { endOffset }) => Math.max(end, endOffset), 0));
  for (const { startOffset, endOffset, count } of all) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
};

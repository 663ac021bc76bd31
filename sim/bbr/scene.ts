import assert from 'node:assert/strict';
import { Bbr } from '#protocol/congestion/bbr/bbr.ts';
import type { Model } from '#protocol/congestion/bbr/model.ts';
import { Experiment, type FlowSpec, type PathSpec } from '../experiment.ts';

const LONG_SECONDS = 1000;
const HANDSHAKE_MS = 1000;

/** One BBR flow whose model can be looked into, for tests of what it does when. */
export class Scene {
  readonly experiment: Experiment;
  /** States in the order in which they were entered. */
  readonly states: string[] = [];
  #bbr: Bbr | undefined;

  constructor(path: PathSpec, flow: Partial<FlowSpec> = {}) {
    let made = 0;
    // The client's connection is made first, so the last one is the sender's.
    const controller: FlowSpec['controller'] = (options) => {
      made++;
      this.#bbr = new Bbr(options);
      return this.#bbr;
    };
    const flows = [{ controller, ...flow }];
    this.experiment = new Experiment({ path, flows, seconds: LONG_SECONDS, warmUpSeconds: 0, seed: 1 });
    assert.ok(this.experiment.runWhile(() => made < 2, HANDSHAKE_MS));
  }

  get bbr(): Bbr {
    assert.ok(this.#bbr);
    return this.#bbr;
  }

  get model(): Model {
    return this.bbr.model;
  }

  get state(): string {
    return this.#bbr?.state ?? '';
  }

  get flow() {
    const [flow] = this.experiment.flows;
    assert.ok(flow);
    return flow;
  }

  get nowMs(): number {
    return this.experiment.events.now / 1000;
  }

  /** The bandwidth-delay product of a path, in bytes. */
  static bdp({ mbit, rttMs }: Pick<PathSpec, 'mbit' | 'rttMs'>): number {
    return (mbit * rttMs * 1000) / 8;
  }

  /** Lets time pass until the condition holds; fails when it does not within so many ms. */
  until(condition: () => boolean, limitMs = 30_000, what = 'the condition'): this {
    const held = this.experiment.runWhile(() => {
      if (this.state !== this.states.at(-1) && this.state !== '') this.states.push(this.state);
      return !condition();
    }, limitMs);
    assert.ok(held, `${what} did not come true within ${limitMs} ms; state ${this.state}`);
    return this;
  }

  untilState(state: string, limitMs = 30_000): this {
    return this.until(() => this.state === state, limitMs, `state ${state}`);
  }

  /** Lets so much time pass. */
  pass(ms: number): this {
    const end = this.nowMs + ms;
    return this.until(() => this.nowMs >= end, ms + 10);
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Burst, D_ECN, HOP_LIMIT_SHIFT } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { Bfd, Departure } from './bfd.ts';
import { HOP_LIMIT } from './options.ts';
import { State } from './state.ts';
import { nodeHash, seeded } from './testing/hash.ts';
import { addressOf, FAST } from './testing/pair.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface LoopEnd {
  readonly bfd: Bfd;
  readonly arrival: { readonly burst: Burst; binding: number };
  /** What packets to it come from. */
  readonly from: Int32Array;
}

/** Two cores at work on each other's packets, with nothing of the test's that allocates. */
class Loop {
  readonly #ends: readonly LoopEnd[];
  readonly #departure = new Departure();
  readonly #now = Float64Array.of(1e6);
  packets = 0;

  constructor() {
    this.#ends = [1, 2].map((last) => {
      const bfd = new Bfd({ random: seeded(last), hash: nodeHash, onChange: () => {} });
      bfd.open({ ...FAST, remote: addressOf(3 - last) }, 1e6);
      return { bfd, arrival: { burst: new Burst(64, 1), binding: 0 }, from: addressOf(3 - last, 50_000) };
    });
  }

  get states(): (State | undefined)[] {
    return this.#ends.map(({ bfd }) => bfd.at(0)?.state);
  }

  run(us: number): void {
    const now = this.#now;
    const end = (now[0] as number) + us;
    while ((now[0] as number) < end) {
      this.#exchange(now[0] as TimeUs);
      now[0] = Math.min(this.#ends[0]?.bfd.deadline() ?? 0, this.#ends[1]?.bfd.deadline() ?? 0);
    }
  }

  #exchange(now: TimeUs): void {
    for (let i = 0; i < 2; i++) {
      const { arrival } = this.#ends[i] as LoopEnd;
      arrival.burst.clear();
      this.#ends[i]?.bfd.handle(arrival, now);
    }
    for (let quiet = 0, i = 0; quiet < 2; i = 1 - i) {
      if (!this.#pass(i, now)) quiet++;
      else quiet = 0;
    }
  }

  /** One packet of one end to the other. */
  #pass(i: number, now: TimeUs): boolean {
    const from = this.#ends[i] as LoopEnd;
    const to = this.#ends[1 - i] as LoopEnd;
    const departure = this.#departure;
    if (!from.bfd.poll(now, departure)) return false;
    const { burst } = to.arrival;
    burst.clear();
    for (let at = 0; at < departure.length; at++) burst.buffer[at] = departure.bytes[at] as number;
    burst.commit(departure.length, 0, to.from, 0, to.from, 0);
    burst.words[D_ECN] = HOP_LIMIT << HOP_LIMIT_SHIFT;
    to.bfd.handle(to.arrival, now);
    this.packets++;
    return true;
  }
}

const ROUNDS = 20;
/** Boxes of times (12 bytes each), which V8 makes where it does not inline: at both ends, and in this test. */
const BOXES_BYTES = 150;

test('a session that is Up makes no objects, some boxes of times at most', () => {
  const loop = new Loop();
  loop.run(3000e6);
  assert.deepEqual(loop.states, [State.up, State.up]);
  const seen: number[] = [];
  do {
    collect();
    const before = getHeapStatistics().used_heap_size;
    const { packets } = loop;
    // So short that nothing is collected meanwhile.
    loop.run(200e6);
    seen.push((getHeapStatistics().used_heap_size - before) / (loop.packets - packets));
  } while ((seen.at(-1) as number) >= BOXES_BYTES && seen.length < ROUNDS);
  assert.ok((seen.at(-1) as number) < BOXES_BYTES, `${seen.join(', ')} bytes a packet`);
});

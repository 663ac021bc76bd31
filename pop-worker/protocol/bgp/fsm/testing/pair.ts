import type { Random, TimeUs } from '../../../contract.ts';
import { Speaker, SpeakerOutput } from '../../speaker.ts';
import type { Neighbour } from '../neighbour.ts';
import type { SessionSettings } from '../settings.ts';
import type { State } from '../state.ts';
import { RoutesRecorder, SinkRecorder } from './recorder.ts';

/** The same bytes each time. */
export const repeatable = (seed = 1): Random => {
  let state = seed;
  return {
    fill: (bytes) => {
      for (let i = 0; i < bytes.length; i++) {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
        bytes[i] = state >>> 16;
      }
    },
  };
};

interface Due {
  readonly at: TimeUs;
  run(): void;
}

/** One of two speakers that know each other. */
export class Side {
  readonly routes = new RoutesRecorder();
  readonly sink = new SinkRecorder();
  readonly speaker: Speaker;
  readonly neighbour: Neighbour;

  constructor(settings: SessionSettings, seed: number) {
    this.speaker = new Speaker(this.routes, this.sink, repeatable(seed));
    this.neighbour = this.speaker.add(0, settings);
  }

  is(state: State): boolean {
    return this.neighbour.state === state;
  }

  connection(isOutgoing: boolean) {
    return isOutgoing ? this.neighbour.outgoing : this.neighbour.incoming;
  }
}

/** Two speakers, and TCP between them in virtual time. A connection is known by who made it. */
export class Pair {
  readonly sides: readonly [Side, Side];
  now: TimeUs = 1_000_000;
  /** One way. */
  delayUs = 1000;
  /** How much later than that a message comes, anew for each; none passes another of its connection. */
  jitterUs = (): TimeUs => 0;
  /** Nothing is heard any more, and nobody is told. */
  isCut = false;
  /** Nobody takes connections. */
  isClosed = false;
  /** Attempts to connect, of both. */
  connects = 0;
  readonly #due: Due[] = [];
  readonly #out = new SpeakerOutput(200_000);
  /** Of each maker: how often it has connected, so that what is late belongs to none. */
  readonly #made = [0, 0];
  /** When the last of each connection and direction comes. */
  readonly #last = new Map<string, TimeUs>();

  constructor(one: SessionSettings, other: SessionSettings) {
    this.sides = [new Side(one, 1), new Side(other, 2)];
  }

  start(): void {
    for (const { neighbour } of this.sides) neighbour.start(this.now);
  }

  /** Lets so much time pass. */
  pass(us: TimeUs): void {
    const end = this.now + us;
    for (;;) {
      this.flush();
      const next = Math.min(...this.sides.map(({ speaker }) => speaker.deadline()), ...this.#due.map(({ at }) => at));
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const due = this.#due.filter(({ at }) => at <= this.now);
      for (const one of due) this.#due.splice(this.#due.indexOf(one), 1);
      for (const { run } of due) run();
      for (const { speaker } of this.sides) speaker.expire(this.now);
    }
    this.now = end;
  }

  /** Does what the speakers want done. */
  flush(): void {
    for (const at of [0, 1] as const) {
      while (this.sides[at].speaker.poll(this.now, this.#out)) this.#act(at);
    }
  }

  #act(from: 0 | 1): void {
    const { kind, isOutgoing, buffer, length } = this.#out;
    const to = from === 0 ? 1 : 0;
    const maker = isOutgoing ? from : to;
    const made = this.#made[maker] as number;
    const later = (run: () => void): void => {
      const lane = `${maker} ${made} ${from}`;
      const at = Math.max(this.#last.get(lane) ?? 0, this.now + this.delayUs + this.jitterUs());
      this.#last.set(lane, at);
      this.#due.push({ at, run: () => this.#made[maker] === made && !this.isCut && run() });
    };
    if (kind === 'connect') this.#connect(from);
    else if (kind === 'close') later(() => this.sides[to].connection(!isOutgoing).lost(this.now));
    else {
      const bytes = buffer.slice(0, length);
      later(() => this.sides[to].connection(!isOutgoing).receive(bytes, 0, bytes.length, this.now));
    }
  }

  #connect(from: 0 | 1): void {
    this.connects++;
    const made = (this.#made[from] as number) + 1;
    this.#made[from] = made;
    const to = from === 0 ? 1 : 0;
    const isCurrent = (): boolean => this.#made[from] === made && !this.isCut;
    this.#due.push({
      at: this.now + this.delayUs + this.jitterUs(),
      run: () => {
        if (!isCurrent()) return;
        const isTaken = !this.isClosed && this.sides[to].neighbour.accept(this.now) === undefined;
        const at = this.now + this.delayUs + this.jitterUs();
        this.#last.set(`${from} ${made} ${to}`, at);
        this.#due.push({
          at,
          run: () => {
            if (!isCurrent()) return;
            const { outgoing } = this.sides[from].neighbour;
            if (isTaken) outgoing.connected(this.now);
            else outgoing.lost(this.now);
          },
        });
      },
    });
  }
}

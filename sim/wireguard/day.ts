import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { Events } from '../events.ts';
import { type Arrival, Network } from './network.ts';
import { PATTERNS, type PatternName } from './patterns.ts';
import { Rules } from './rules.ts';
import { addressOf, Side } from './side.ts';
import { Traffic } from './traffic.ts';
import { Watch } from './watch.ts';
import { CLEAN, Deck, lasting, WEATHERS, type WeatherName } from './weather.ts';

/** Both sides meet before anything happens to them, in microseconds. */
const MEETING_US = 20e6;
const ROAMS_S = [900, 3600] as const;
const WALL_JUMPS_S = [1800, 7200] as const;
const HOUR_US = 3600e6;

export interface DayOptions {
  /** Virtual. */
  readonly hours: number;
  /** What the network does and what the sides say, in any order; without: everything. */
  readonly weathers?: readonly WeatherName[];
  readonly patterns?: readonly PatternName[];
}

const ALL_WEATHERS = Object.keys(WEATHERS) as readonly WeatherName[];
const ALL_PATTERNS = Object.keys(PATTERNS) as readonly PatternName[];

/**
 * Two cores and all that happens to them. Side 0 roams and knows at first where side 1 is, which stays; wall clocks are
 * set back by an hour, and right again.
 */
export class Day {
  readonly events = new Events();
  readonly rules: Rules;
  readonly network: Network;
  readonly sides: readonly [Side, Side];
  readonly watch: Watch;
  readonly traffic: Traffic;
  readonly endUs: number;
  /** What has been, by name. */
  readonly seen = new Set<string>();
  roams = 0;
  wallJumps = 0;
  readonly #random: SeededRandom;
  readonly #trace: (line: string) => void;
  readonly #weathers: Deck<WeatherName>;
  readonly #patterns: Deck<PatternName>;

  constructor({ hours, weathers, patterns }: DayOptions, seed: number, trace: (line: string) => void = () => {}) {
    const { events } = this;
    const random = new SeededRandom(seed);
    this.#random = random;
    this.#trace = trace;
    this.#weathers = new Deck(weathers ?? ALL_WEATHERS, random);
    this.#patterns = new Deck(patterns ?? ALL_PATTERNS, random);
    this.endUs = hours * HOUR_US;
    this.rules = new Rules(events, (what) => this.#tell(what));
    this.network = new Network(events, random, (to, arrival) => this.#arrives(to, arrival));
    this.watch = new Watch(events, this.rules, this.network, () => this.sides);
    this.sides = [this.#side(0, seed), this.#side(1, seed)];
    const [here, there] = this.sides;
    here.knows(there, there.address);
    there.knows(here);
    for (const { keys } of this.sides) keys.calmSince = () => this.network.calmSince;
    this.traffic = new Traffic(events, random, this.sides, this.watch);
  }

  run(): void {
    const { events, traffic } = this;
    this.#look();
    traffic.say(this.sides[0]);
    events.runUntil(MEETING_US);
    this.#nextWeather();
    this.#nextPattern();
    this.#later(ROAMS_S, () => this.#roam());
    this.#later(WALL_JUMPS_S, () => this.#jump());
    events.runUntil(this.endUs);
  }

  #side(number: 0 | 1, seed: number): Side {
    const side: Side = new Side(this.events, {
      ...{ number, seed, rules: this.rules },
      send: (bytes, to) => {
        this.watch.sent(number);
        this.network.send(side, this.sides[1 - number] as Side, bytes, to);
      },
      deliver: (packet) => this.watch.delivered(side, packet),
    });
    return side;
  }

  #arrives(to: 0 | 1, arrival: Arrival): void {
    const side = this.sides[to];
    this.watch.arrives(side, arrival, () => side.receives(arrival.bytes, arrival.from));
    side.poll();
  }

  #look(): void {
    this.watch.look();
    this.events.plan(this.events.now + 1e6, () => this.#look());
  }

  #later(seconds: readonly [number, number], act: () => void): void {
    this.events.plan(this.events.now + lasting(seconds, this.#random), act);
  }

  /** A bad one and a clean one in turn. */
  #nextWeather(): void {
    const weather = WEATHERS[this.#weathers.draw()];
    this.#tell(weather.name);
    this.seen.add(weather.name);
    this.network.become(weather);
    this.#later(weather.seconds, () => {
      this.#tell(CLEAN.name);
      this.network.become(CLEAN);
      this.#later(CLEAN.seconds, () => this.#nextWeather());
    });
  }

  #nextPattern(): void {
    const pattern = PATTERNS[this.#patterns.draw()];
    this.#tell(`traffic: ${pattern.name}`);
    this.seen.add(pattern.name);
    this.traffic.become(pattern);
    this.#later(pattern.seconds, () => this.#nextPattern());
  }

  /** Side 0 has another address, and says something soon. What goes to the one before is lost. */
  #roam(): void {
    const [here] = this.sides;
    this.roams++;
    here.address = addressOf(0, 2 + (this.roams % 250));
    this.#tell(`side 0 is at .${2 + (this.roams % 250)}`);
    this.watch.roamed();
    this.#later([0.1, 2], () => this.traffic.say(here));
    this.#later(ROAMS_S, () => this.#roam());
  }

  #jump(): void {
    const side = this.sides[this.#random.below(2)] as Side;
    this.wallJumps++;
    side.wallOffsetUs = side.wallOffsetUs === 0 ? -HOUR_US : 0;
    this.#tell(
      `the wall clock of side ${side.number} is ${side.wallOffsetUs === 0 ? 'right again' : 'an hour behind'}`,
    );
    this.#later(WALL_JUMPS_S, () => this.#jump());
  }

  #tell(what: string): void {
    this.#trace(`${(this.events.now / 1e6).toFixed(3)} s  ${what}`);
  }
}

import type { AddressKey } from './address-key.ts';
import { Baseline } from './baseline.ts';
import { DETECTORS, type Detector, type DetectorKind, type Limit } from './detectors.ts';
import type { PacketSample } from './sample.ts';
import { type ProfileRoom, Watch } from './watch.ts';

/** Of the baseline: what is above this many times as much is no longer usual. */
const FACTOR = 4;
const SETTLES_US = 600_000_000;
const GROWTH_AN_HOUR = 1.3;
const LEARNS_US = 1_200_000_000;
/** A carpet has so many targets at least… */
const LEAST_TARGETS = 8;
/** …of which none has more than this share. */
const MOST_SHARE = 0.5;
/** Targets of a network that are told apart in a window. */
const MOST_TARGETS = 64;
/** In how many windows a target that is silent loses most of its standing. */
const STANDING = 0.02;

export type Limits = Readonly<Record<DetectorKind, Limit>>;

const ALL: readonly Detector[] = DETECTORS;

/** What all tracks share. */
export interface TrackContext {
  readonly limits: Limits;
  readonly room: ProfileRoom;
}

/** Of which detectors of its own a packet is: a bit each. */
export const classesOf = (sample: PacketSample): number => {
  let classes = 0;
  for (let i = 0; i < ALL.length; i++) if ((ALL[i] as Detector).matches?.(sample) === true) classes |= 1 << i;
  return classes;
};

const watchesOf = (scope: Detector['scope'], { limits, room }: TrackContext): Watch[] =>
  ALL.filter((detector) => detector.scope === scope).map(
    (detector) => new Watch(detector, limits[detector.kind], room),
  );

const baselineOf = (least: number, most: number): Baseline =>
  new Baseline({
    ...{ least, most: Math.max(least, most) },
    ...{ settlesUs: SETTLES_US, growthAnHour: GROWTH_AN_HOUR, learnsUs: LEARNS_US },
  });

/** What `turn` of a track tells. */
export type Change = (watch: Watch, change: 'began' | 'ended') => void;

/** What a track is to the table that has it. */
export interface Track {
  readonly address: Uint8Array;
  readonly isNetwork: boolean;
  readonly watches: readonly Watch[];
  /** Packets a second, of late. */
  readonly standing: number;
  readonly isAlert: boolean;
  /** Packets a second that it usually has. */
  readonly usual: number;
  turn(startUs: number, nowUs: number, tell: Change): void;
}

/** One address that gets packets. */
export class TargetTrack implements Track {
  readonly address: Uint8Array;
  readonly isNetwork = false;
  readonly watches: readonly Watch[];
  readonly #byClass: readonly (readonly [bit: number, watch: Watch])[];
  readonly #volumetric: Watch;
  readonly #aboveBaseline: Watch;
  readonly #least: Limit;
  readonly #packets: Baseline;
  readonly #bits: Baseline;
  #standing = 0;

  constructor(address: Uint8Array, context: TrackContext) {
    this.address = address;
    this.watches = watchesOf('target', context);
    const of = (kind: DetectorKind): Watch => this.watches.find(({ detector }) => detector.kind === kind) as Watch;
    this.#byClass = this.watches
      .filter(({ detector }) => detector.matches !== undefined)
      .map((watch) => [1 << ALL.indexOf(watch.detector), watch]);
    this.#volumetric = of('volumetric');
    this.#aboveBaseline = of('above-baseline');
    this.#least = context.limits['above-baseline'];
    const { volumetric } = context.limits;
    this.#packets = baselineOf(this.#least.packets / FACTOR, volumetric.packets / FACTOR);
    this.#bits = baselineOf(this.#least.bits / FACTOR, volumetric.bits / FACTOR);
  }

  get standing(): number {
    return this.#standing;
  }

  get isAlert(): boolean {
    return this.watches.some(({ isAlert }) => isAlert);
  }

  get usual(): number {
    return this.#packets.rate;
  }

  /** @returns whether it is of an attack that was found here */
  take(sample: PacketSample, classes: number): boolean {
    this.#standing += sample.every * 10 * STANDING;
    let isFound = false;
    if (classes !== 0)
      for (const [bit, watch] of this.#byClass) {
        if ((classes & bit) === 0) continue;
        watch.take(sample);
        isFound ||= watch.isOn;
      }
    if (isFound) return true;
    this.#volumetric.take(sample);
    if (this.#volumetric.isOn) return true;
    this.#aboveBaseline.take(sample);
    return this.#aboveBaseline.isOn;
  }

  turn(startUs: number, nowUs: number, tell: Change): void {
    this.#standing *= 1 - STANDING;
    this.#aboveBaseline.limit = {
      packets: Math.max(this.#least.packets, FACTOR * this.#packets.rate),
      bits: Math.max(this.#least.bits, FACTOR * this.#bits.rate),
    };
    for (const watch of this.watches) {
      const change = watch.turn(startUs, nowUs, watch !== this.#aboveBaseline || this.#packets.isKnown);
      if (change) tell(watch, change);
      watch.settle();
    }
    if (this.isAlert) return;
    const { packets, bits } = this.#aboveBaseline.rates;
    this.#packets.learn(packets, nowUs - startUs);
    this.#bits.learn(bits, nowUs - startUs);
  }
}

/** A network whose targets get packets. */
export class NetworkTrack implements Track {
  readonly address: Uint8Array;
  readonly isNetwork = true;
  readonly watches: readonly Watch[];
  readonly #carpet: Watch;
  readonly #usual: Baseline;
  readonly #targets = new Map<AddressKey, number>();
  #packets = 0;
  #standing = 0;

  constructor(address: Uint8Array, context: TrackContext) {
    this.address = address;
    this.watches = watchesOf('network', context);
    this.#carpet = this.watches[0] as Watch;
    const { packets } = context.limits.carpet;
    this.#usual = baselineOf(packets / 100, packets);
  }

  get usual(): number {
    return this.#usual.rate;
  }

  get standing(): number {
    return this.#standing;
  }

  get isAlert(): boolean {
    return this.#carpet.isAlert;
  }

  take(sample: PacketSample, target: AddressKey): void {
    this.#standing += sample.every * 10 * STANDING;
    this.#packets += sample.every;
    const known = this.#targets.get(target);
    if (known !== undefined || this.#targets.size < MOST_TARGETS)
      this.#targets.set(target, (known ?? 0) + sample.every);
    this.#carpet.take(sample);
  }

  turn(startUs: number, nowUs: number, tell: Change): void {
    this.#standing *= 1 - STANDING;
    const isSpread =
      this.#targets.size >= LEAST_TARGETS && Math.max(...this.#targets.values()) <= MOST_SHARE * this.#packets;
    this.#targets.clear();
    this.#packets = 0;
    const change = this.#carpet.turn(startUs, nowUs, isSpread);
    if (change) tell(this.#carpet, change);
    this.#carpet.settle();
    if (!this.isAlert) this.#usual.learn(this.#carpet.rates.packets, nowUs - startUs);
  }
}

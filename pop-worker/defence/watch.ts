import type { Detector, Limit } from './detectors.ts';
import { Hysteresis } from './hysteresis.ts';
import { Profile } from './profile.ts';
import { type Rates, RecentRates } from './rates.ts';
import type { PacketSample } from './sample.ts';

/** An attack is over below this share of the limit… */
const LOWER = 0.5;
/** …for so long. */
const CALM_US = 10_000_000;

/** Room for what is known of attacks; shared by all that may want some. */
export interface ProfileRoom {
  left: number;
  /** Detectors that were alert and got none. */
  refused: number;
  readonly seed: number;
}

/** One detector at one target: what came in this window, and whether it is an attack. */
export class Watch {
  readonly detector: Detector;
  readonly #hysteresis: Hysteresis;
  readonly #room: ProfileRoom;
  readonly #recent = new RecentRates();
  #profile: Profile | undefined;
  limit: Limit;
  /** When the first window above the limit began. */
  firstUs = 0;
  /** Packets and bits a second of the loudest window. */
  peak: Rates = { packets: 0, bits: 0 };

  constructor(detector: Detector, limit: Limit, room: ProfileRoom) {
    this.detector = detector;
    this.limit = limit;
    this.#room = room;
    this.#hysteresis = new Hysteresis(detector.windows, CALM_US);
  }

  get isOn(): boolean {
    return this.#hysteresis.isOn;
  }

  get isAlert(): boolean {
    return this.#hysteresis.isAlert;
  }

  get profile(): Profile | undefined {
    return this.#profile;
  }

  /** Of the last windows. */
  get rates(): Rates {
    return this.#recent.rates;
  }

  take(sample: PacketSample): void {
    this.#recent.add(sample.every, sample.bytes);
    this.#profile?.take(sample);
  }

  /** Ends a window. @param counts whether what came is what the detector looks for */
  turn(startUs: number, nowUs: number, counts: boolean): 'began' | 'ended' | undefined {
    this.#recent.turn((nowUs - startUs) / 1e6);
    const load = counts ? this.#recent.load(this.limit) : 0;
    const wasAlert = this.isAlert;
    const change = this.#hysteresis.turn(load, LOWER, nowUs);
    if (this.isAlert && !wasAlert) {
      this.firstUs = startUs;
      this.peak = { packets: 0, bits: 0 };
      this.#openProfile();
    }
    if (this.isAlert)
      this.peak = {
        packets: Math.max(this.peak.packets, this.rates.packets),
        bits: Math.max(this.peak.bits, this.rates.bits),
      };
    return change;
  }

  #openProfile(): void {
    if (this.#room.left === 0) {
      this.#room.refused++;
      return;
    }
    this.#room.left--;
    this.#profile = new Profile(this.#room.seed);
  }

  /** What is known of an attack that is over has been told. */
  settle(): void {
    if (this.isAlert || this.#profile === undefined) return;
    this.#profile = undefined;
    this.#room.left++;
  }
}

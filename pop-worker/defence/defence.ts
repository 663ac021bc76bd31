import { addressKey, networkKey, prefixTextOf } from './address-key.ts';
import { DETECTORS, type DetectorKind, type Limit } from './detectors.ts';
import type { Pattern } from './pattern.ts';
import type { Evidence } from './profile.ts';
import type { Rates } from './rates.ts';
import type { PacketSample } from './sample.ts';
import { Table } from './table.ts';
import { classesOf, type Limits, NetworkTrack, TargetTrack, type Track, type TrackContext } from './track.ts';
import type { Watch } from './watch.ts';

export const WINDOW_US = 100_000;
const MOST_TARGETS = 1024;
const MOST_NETWORKS = 256;
const MOST_PROFILES = 64;
/** Of an attack's packets, what its pattern is to cover. */
const COVERED = 0.85;
/** What else a target gets may be half of all. */
const LEAST_ATTACK = 0.5;

export interface Detection {
  readonly id: number;
  readonly kind: DetectorKind;
  readonly scope: 'target' | 'network';
  /** As prefix. */
  readonly target: string;
  readonly reason: string;
  /** When the first window above the limit began. */
  readonly firstUs: number;
  readonly beganUs: number;
  /** A second: of the last three windows, of the loudest three, and what is too much. */
  readonly rates: Rates;
  readonly peak: Rates;
  readonly limit: Limit;
  /** The narrowest that covers `covers` of the packets that the detector looks at. */
  readonly pattern: Pattern;
  readonly covers: number;
  /** Absent: too many attacks at once. */
  readonly evidence?: Evidence | undefined;
}

export type DefenceEvent =
  | { readonly type: 'began'; readonly detection: Detection }
  | { readonly type: 'ended'; readonly detection: Detection; readonly endedUs: number };

export interface DefenceOptions {
  readonly startUs: number;
  /** 32 bits that outsiders do not know. */
  readonly seed: number;
  readonly onEvent: (event: DefenceEvent) => void;
  /** In place of those of `DETECTORS`. */
  readonly limits?: Partial<Limits>;
}

const DEFAULT_LIMITS = Object.fromEntries(DETECTORS.map(({ kind, limit }) => [kind, limit])) as Limits;

const isNobody = (address: Uint8Array): boolean => address.every((byte) => byte === 0);

/**
 * Looks for attacks in samples of packets. Windows of 100 ms; whoever runs it calls `turn` at `deadline`. Memory is bounded
 * whatever comes: 1024 targets, 256 networks (/24, /48), 64 profiles of attacks.
 */
export class Defence {
  readonly #onEvent: (event: DefenceEvent) => void;
  readonly #targets: Table<TargetTrack>;
  readonly #networks: Table<NetworkTrack>;
  readonly #context: TrackContext;
  readonly #on = new Map<Watch, { readonly track: Track; readonly id: number; readonly beganUs: number }>();
  #startUs: number;
  #detections = 0;
  #samples = 0;
  #unaddressed = 0;

  constructor({ startUs, seed, onEvent, limits }: DefenceOptions) {
    this.#startUs = startUs;
    this.#onEvent = onEvent;
    const room = { left: MOST_PROFILES, refused: 0, seed };
    this.#context = { limits: { ...DEFAULT_LIMITS, ...limits }, room };
    this.#targets = new Table(MOST_TARGETS, (address) => new TargetTrack(address, this.#context));
    this.#networks = new Table(MOST_NETWORKS, (address) => new NetworkTrack(address, this.#context));
  }

  take(sample: PacketSample): void {
    this.#samples++;
    const { target, every } = sample;
    // It was no packet of IP, or could not be parsed so far.
    if (isNobody(target)) {
      this.#unaddressed++;
      return;
    }
    const key = addressKey(target);
    const isFound = this.#targets.find(key, target, every)?.take(sample, classesOf(sample));
    if (isFound !== true) this.#networks.find(networkKey(target), target, every)?.take(sample, key);
  }

  /** When the window ends. */
  deadline(): number {
    return this.#startUs + WINDOW_US;
  }

  /** Ends the window, if it is time. One that ends late is a longer one. */
  turn(nowUs: number): void {
    if (nowUs < this.deadline()) return;
    const tell = (track: Track, watch: Watch, change: 'began' | 'ended') => this.#tell(track, watch, change, nowUs);
    this.#targets.turn(this.#startUs, nowUs, tell);
    this.#networks.turn(this.#startUs, nowUs, tell);
    this.#startUs = nowUs;
  }

  /** Attacks that are on, as of the last window. */
  active(): Detection[] {
    return [...this.#on.keys()].map((watch) => this.#detection(watch));
  }

  /** What there is of bounded things, and what did not fit. */
  stats() {
    const { room } = this.#context;
    return {
      samples: this.#samples,
      unaddressed: this.#unaddressed,
      detections: this.#detections,
      targets: this.#targets.size,
      networks: this.#networks.size,
      profiles: MOST_PROFILES - room.left,
      evicted: this.#targets.evicted + this.#networks.evicted,
      refusedProfiles: room.refused,
    };
  }

  #tell(track: Track, watch: Watch, type: 'began' | 'ended', nowUs: number): void {
    if (type === 'began') this.#on.set(watch, { track, id: ++this.#detections, beganUs: nowUs });
    const detection = this.#detection(watch);
    if (type === 'began') {
      this.#onEvent({ type, detection });
      return;
    }
    this.#on.delete(watch);
    this.#onEvent({ type, detection, endedUs: nowUs });
  }

  #detection(watch: Watch): Detection {
    const { track, id, beganUs } = this.#on.get(watch) as { track: Track; id: number; beganUs: number };
    const { detector, firstUs, rates, peak, limit, profile } = watch;
    const usual = detector.matches === undefined ? track.usual : 0;
    const ofAttack = Math.max(LEAST_ATTACK, 1 - usual / peak.packets);
    const { pattern, covers } = profile?.pattern(COVERED * ofAttack) ?? { pattern: {}, covers: 0 };
    return {
      ...{ id, kind: detector.kind, scope: detector.scope, reason: detector.reason },
      target: prefixTextOf(track.address, track.isNetwork),
      ...{ firstUs, beganUs, rates, peak, limit, pattern, covers },
      evidence: profile?.evidence(),
    };
  }
}

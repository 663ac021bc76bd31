import { randomBytes } from 'node:crypto';
import type { BpfMap } from '#host/bpf/map.ts';
import { Defence, type DefenceEvent, type Detection } from '#pop-worker/defence/defence.ts';
import { DETECTORS, type DetectorKind } from '#pop-worker/defence/detectors.ts';
import type { Pattern } from '#pop-worker/defence/pattern.ts';
import type { XdpDetectFile } from '#settings/xdp-file.ts';
import { Samples } from './samples.ts';

/** Samples that are read at once: some 40 ms of work. The rest waits in the ring, and what finds no room there is counted. */
const MOST_SAMPLES = 20_000;

/** An attack that is on, as `xdp status` shows it. */
export interface AttackStatus {
  readonly id: number;
  readonly kind: DetectorKind;
  /** As prefix. */
  readonly target: string;
  readonly reason: string;
  /** Since it was found. */
  readonly seconds: number;
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
  readonly pattern: Pattern;
  /** The share of packets that the pattern has. */
  readonly covers: number;
  /** About so many; absent where nothing is known of them, as too many attacks are on. */
  readonly sources?: number | undefined;
  readonly topSources?: readonly { readonly address: string; readonly share: number }[] | undefined;
}

export interface DetectStatus {
  /** One of so many packets is sampled. */
  readonly every: number;
  readonly samples: number;
  /** Samples that found no room. */
  readonly lost: number;
  /** Addresses and networks that are watched. */
  readonly targets: number;
  readonly networks: number;
  /** Attacks that were found. */
  readonly found: Readonly<Record<DetectorKind, number>>;
  readonly attacks: readonly AttackStatus[];
}

/** What is told of an attack when it begins and ends. */
export type TellAttack = (type: DefenceEvent['type'], attack: AttackStatus) => void;

const attackOf = (detection: Detection, nowUs: number): AttackStatus => {
  const { id, kind, target, reason, beganUs, rates, pattern, covers, evidence } = detection;
  return {
    ...{ id, kind, target, reason, seconds: Math.max(0, (nowUs - beganUs) / 1e6) },
    ...{ packetsPerSecond: Math.round(rates.packets), bitsPerSecond: Math.round(rates.bits), pattern, covers },
    ...{ sources: evidence?.sources, topSources: evidence?.topSources },
  };
};

/** Detectors behind the program's samples. They tell what they find; nothing is done about it. */
export class Detecting {
  readonly #samples: Samples;
  readonly #defence: Defence;
  readonly #found = Object.fromEntries(DETECTORS.map(({ kind }) => [kind, 0])) as Record<DetectorKind, number>;
  #nowUs: number;

  /** @param map of the program @param startUs of the clock that `look` is told */
  constructor(
    map: (name: 'samples' | 'sampling' | 'sampled') => BpfMap,
    startUs: number,
    tell: TellAttack,
    file: XdpDetectFile,
  ) {
    this.#samples = new Samples(map);
    this.#samples.every = file.every;
    this.#nowUs = startUs;
    const limits = Object.fromEntries(
      DETECTORS.map(({ kind, limit }) => [kind, { ...limit, ...file.limit[kind] }]),
    ) as Record<DetectorKind, (typeof DETECTORS)[number]['limit']>;
    this.#defence = new Defence({
      ...{ startUs, limits, seed: randomBytes(4).readUInt32LE() },
      onEvent: ({ type, detection }) => {
        if (type === 'began') this.#found[detection.kind]++;
        tell(type, attackOf(detection, this.#nowUs));
      },
    });
  }

  /** One of so many packets, from now on; 0: none. */
  set every(every: number) {
    this.#samples.every = every;
  }

  /** Reads what came. To be called some ten times a second. */
  look(nowUs: number): void {
    this.#nowUs = nowUs;
    this.#samples.read((sample) => this.#defence.take(sample), MOST_SAMPLES);
    this.#defence.turn(nowUs);
  }

  status(): DetectStatus {
    const { targets, networks } = this.#defence.stats();
    const { taken, lost } = this.#samples.counts();
    const attacks = this.#defence.active().map((detection) => attackOf(detection, this.#nowUs));
    return { every: this.#samples.every, samples: taken, lost, targets, networks, found: { ...this.#found }, attacks };
  }
}

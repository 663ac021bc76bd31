import { fromBinary } from '@bufbuild/protobuf';
import type { NatsConnection } from '@nats-io/nats-core';
import { Bucket } from '#model/names.ts';
import { Health, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { Watch } from './watch.ts';

/** A worker as NATS knows it. */
export interface FleetWorker {
  readonly pop: string;
  readonly worker: string;
  /** Whether it said last that it serves whoever comes. */
  readonly serves: boolean;
  /** How long it has said nothing; they report every 5 seconds. */
  readonly silentMs: number;
}

export interface FleetView {
  /** Whether what is said is heard: then silence means something. */
  readonly isCurrent: boolean;
  readonly workers: readonly FleetWorker[];
}

export const NO_FLEET: FleetView = { isCurrent: false, workers: [] };

interface Said {
  readonly pop: string;
  readonly worker: string;
  readonly serves: boolean;
  /** By NATS' clock. */
  readonly atMs: number;
}

const NANOSECONDS_A_MS = 1e6;

/** Follows what all workers say of themselves. */
export class Fleet {
  readonly #now: () => number;
  readonly #said = new Map<string, Said>();
  #watch: Watch | undefined;
  /** What NATS' clock is ahead of ours at least: what is heard was said before. */
  #aheadMs = Number.NEGATIVE_INFINITY;
  /** After a time in which nothing was heard nobody's silence is counted from before. */
  #heardAgainMs = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds of a clock that does not jump */
  constructor(now: () => number) {
    this.#now = now;
  }

  watch(nats: NatsConnection, onError: (error: unknown) => void): void {
    let wasBehind = false;
    this.#watch = new Watch(nats, {
      bucket: Bucket.status,
      filter: 'worker.*.*',
      onRecord: (key, value, _revision, timestampNs) => this.#hear(key, value, timestampNs / NANOSECONDS_A_MS, onError),
      onCaughtUp: (keys) => {
        for (const key of this.#said.keys()) if (!keys.has(key)) this.#said.delete(key);
        if (wasBehind) this.#heardAgainMs = this.#now() + this.#aheadMs;
      },
      onBehind: () => {
        wasBehind = true;
      },
      onError,
    });
  }

  view(): FleetView {
    const now = this.#now() + this.#aheadMs;
    return {
      isCurrent: this.#watch?.isLive === true,
      workers: [...this.#said.values()].map(({ pop, worker, serves, atMs }) => ({
        ...{ pop, worker, serves, silentMs: Math.max(0, now - Math.max(atMs, this.#heardAgainMs)) },
      })),
    };
  }

  /** After a reconnection. */
  restart(): void {
    this.#watch?.restart();
  }

  async close(): Promise<void> {
    await this.#watch?.close();
  }

  #hear(key: string, value: Uint8Array | undefined, atMs: number, onError: (error: unknown) => void): void {
    const [, pop = '', worker = ''] = key.split('.');
    this.#aheadMs = Math.max(this.#aheadMs, atMs - this.#now());
    if (value === undefined) {
      this.#said.delete(key);
      return;
    }
    try {
      const { health } = fromBinary(WorkerStatusSchema, value);
      this.#said.set(key, { pop, worker, serves: health === Health.SERVING, atMs });
    } catch (cause) {
      onError(new Error(`record ${key} of ${Bucket.status} cannot be read`, { cause }));
    }
  }
}

import { setImmediate as turn } from 'node:timers/promises';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampMs, timestampNow } from '@bufbuild/protobuf/wkt';
import type { NatsConnection } from '@nats-io/nats-core';
import { Bucket, ConfigKey } from '#model/names.ts';
import {
  MembershipSnapshotSchema,
  type SnapshotRecord,
  SnapshotRecordSchema,
} from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { DesiredState } from './desired-state.ts';
import { KeptFile } from './kept-file.ts';
import { followRecord } from './records.ts';
import { Watch } from './watch.ts';

export interface MembershipOptions {
  readonly state: DesiredState;
  readonly pop: string;
  readonly worker: string;
  /** Whether devices come by WireGuard here: who they are is followed then. */
  readonly followsPeers?: boolean;
  /** Where the copy on disk lies. */
  readonly file: string;
  /** Something came from the control plane. */
  readonly onHeard?: () => void;
  /** `isCurrent` may be another. */
  readonly onCurrent?: () => void;
  readonly onError: (error: unknown) => void;
}

interface Known {
  readonly revision: number;
  /** Empty: the record has ended. */
  readonly value: Uint8Array;
}

const SAVE_AFTER_MS = 300;
/** Records that are encoded before other work gets its turn: a few milliseconds. */
const RECORDS_A_TURN = 512;

const encode = (part: MessageInitShape<typeof MembershipSnapshotSchema>): Uint8Array =>
  toBinary(MembershipSnapshotSchema, create(MembershipSnapshotSchema, part));

const NO_BYTES = new Uint8Array(0);

/** Follows devices, networks, revocations, WireGuard peers and the worker's own record; keeps a copy on disk for a start without NATS. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #known = new Map<string, Map<string, Known>>();
  #watches: Watch[] = [];
  /** So many of them, from the first one, are of what has to be known. */
  #needed = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving: Promise<void> = Promise.resolve();
  /** The copy on disk. */
  readonly kept: KeptFile;
  #waitingFor = 0;
  readonly #wholeness = Promise.withResolvers<void>();
  #isWhole = false;
  /** Everything has come from NATS at least once since the process started. */
  caughtUp = false;
  /** As of when all of it is known, in milliseconds since 1970. */
  asOfMs: number | undefined;
  /** Records that could not be understood; what they say is not followed. */
  unreadable = 0;
  /** Resolves once nobody who is revoked is unknown, as of now or of the copy on disk; never rejects. */
  readonly whole: Promise<void> = this.#wholeness.promise;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.kept = new KeptFile(options.file, options.onError);
  }

  /** @returns whether there was a copy on disk that could be read */
  async load(): Promise<boolean> {
    for (const { content } of await this.kept.load()) {
      try {
        const { records, time } = fromBinary(MembershipSnapshotSchema, content);
        for (const { bucket, key, revision, value } of records) this.#apply(bucket, key, value, Number(revision));
        if (time !== undefined) this.asOfMs = timestampMs(time);
        this.#becomeWhole();
        return true;
      } catch (error) {
        this.#options.onError(error);
      }
    }
    return false;
  }

  watch(nats: NatsConnection): void {
    const { pop, worker } = this.#options;
    const watched: [string, string][] = [
      [Bucket.revocations, '>'],
      [Bucket.config, '*.device.*'],
      [Bucket.config, '*.network.*'],
      [Bucket.config, ConfigKey.worker(pop, worker)],
    ];
    this.#waitingFor = watched.length;
    // Nobody waits for these: a worker whose credentials are from before there was WireGuard may not follow them.
    const more: [string, string][] = this.#options.followsPeers === true ? [[Bucket.config, '*.wireguard.*']] : [];
    this.#needed = watched.length;
    this.#watches = [...watched, ...more].map(([bucket, filter], i) => {
      let first = i < watched.length;
      return new Watch(nats, {
        bucket,
        filter,
        onRecord: (key, value, revision) => {
          this.#apply(bucket, key, value ?? NO_BYTES, revision);
          this.#options.onHeard?.();
        },
        onCaughtUp: (keys) => {
          this.#forget(bucket, filter, keys);
          this.#options.onHeard?.();
          if (first && --this.#waitingFor === 0) this.#catchUp();
          first = false;
          this.#options.onCurrent?.();
        },
        onBehind: () => this.#options.onCurrent?.(),
        onError: this.#options.onError,
      });
    });
  }

  /** The control plane is heard: what is followed without a gap is known as of now. */
  confirm(): void {
    if (this.isCurrent) this.asOfMs = Date.now();
  }

  /** All there is is known, and what changes is heard as it happens. */
  get isCurrent(): boolean {
    const needed = this.#watches.slice(0, this.#needed);
    return needed.length > 0 && needed.every(({ isLive }) => isLive);
  }

  /** After a reconnection. */
  restart(): void {
    for (const watch of this.#watches) watch.restart();
  }

  async close(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.close()));
    await this.flush();
    await this.kept.close();
  }

  /** Writes what is not on disk yet. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#save();
    }
    await this.#saving;
  }

  #catchUp(): void {
    this.caughtUp = true;
    this.#becomeWhole();
    // Also when there was nothing to apply: that too is worth knowing at the next start.
    this.#saveSoon();
  }

  #becomeWhole(): void {
    this.#isWhole = true;
    this.#wholeness.resolve();
  }

  #apply(bucket: string, key: string, value: Uint8Array, revision: number): void {
    const records = this.#known.get(bucket) ?? new Map<string, Known>();
    this.#known.set(bucket, records);
    // Not "older than": after a restore from a backup the store counts from a lower number, and it is right.
    if (records.get(key)?.revision === revision) return;
    records.set(key, { revision, value });
    this.#follow(bucket, key);
    this.#saveSoon();
  }

  /** What has ended so long ago that even the memory of it is gone. */
  #forget(bucket: string, filter: string, present: ReadonlySet<string>): void {
    const records = this.#known.get(bucket);
    for (const key of [...(records?.keys() ?? [])]) {
      if (present.has(key) || !matches(filter, key)) continue;
      records?.delete(key);
      this.#follow(bucket, key);
      this.#saveSoon();
    }
  }

  /** One record that cannot be read must not keep the others from being followed. */
  #follow(bucket: string, key: string): void {
    try {
      followRecord(this.#options.state, bucket, key, (of, wanted) => this.#known.get(of)?.get(wanted)?.value);
    } catch (cause) {
      this.unreadable++;
      this.#options.onError(new Error(`record ${key} of ${bucket} cannot be read`, { cause }));
    }
  }

  #saveSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#save();
    }, SAVE_AFTER_MS);
  }

  #save(): void {
    // The next start would take half of it for all there is.
    if (!this.#isWhole) return;
    this.#saving = this.#saving.then(async () => {
      const content = await this.#encoded();
      await this.kept.save('what is known of devices is followed', content);
    });
  }

  /** What comes meanwhile is in it or not, and is saved with the next one. */
  async #encoded(): Promise<Uint8Array> {
    // Messages that follow each other are one message (protobuf: "last one wins", and lists are joined).
    const parts = [encode({ time: timestampNow() })];
    let records: SnapshotRecord[] = [];
    for (const [bucket, known] of this.#known) {
      for (const [key, { revision, value }] of known) {
        records.push(create(SnapshotRecordSchema, { bucket, key, revision: BigInt(revision), value }));
        if (records.length < RECORDS_A_TURN) continue;
        parts.push(encode({ records }));
        records = [];
        await turn();
      }
    }
    parts.push(encode({ records }));
    return Buffer.concat(parts);
  }
}

const matches = (filter: string, key: string): boolean => {
  if (filter === '>') return true;
  const [wanted, parts] = [filter.split('.'), key.split('.')];
  return wanted.length === parts.length && wanted.every((part, i) => part === '*' || part === parts[i]);
};

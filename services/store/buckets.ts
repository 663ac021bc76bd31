import {
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';
import { Bucket, EVENT_STREAM, EVENT_SUBJECTS, LIVE_EVENT_SUBJECTS } from '#model/names.ts';

/** How the installation's NATS is set up. */
export interface StoreLayout {
  /** 1 on a single server (which must sync always), 3 on separate machines. */
  readonly replicas: 1 | 3;
}

const kv = (
  bucket: string,
  layout: StoreLayout,
  more: Partial<StreamConfig>,
): Partial<StreamConfig> & { name: string } => ({
  name: `KV_${bucket}`,
  subjects: [`$KV.${bucket}.>`],
  storage: StorageType.File,
  num_replicas: layout.replicas,
  max_msgs_per_subject: 1,
  allow_rollup_hdrs: true,
  deny_delete: true,
  allow_direct: true,
  ...more,
});

/** Expiring records need markers, so that watchers hear of the end (server 2.11). */
const expiring = { allow_msg_ttl: true, subject_delete_marker_ttl: nanos(60_000) };

const EVENTS_KEPT_MS = 30 * 86_400_000;
/** An event that is sent again within this time is stored once. */
export const DUPLICATE_WINDOW_MS = 10 * 60_000;

export const streams = (layout: StoreLayout): (Partial<StreamConfig> & { name: string })[] => [
  kv(Bucket.config, layout, { allow_atomic: true, ...expiring }),
  kv(Bucket.desired, layout, {}),
  kv(Bucket.chunks, layout, expiring),
  kv(Bucket.status, layout, expiring),
  kv(Bucket.revocations, layout, { ...expiring, allow_atomic: true }),
  kv(Bucket.auth, layout, { ...expiring, allow_atomic: true }),
  {
    name: EVENT_STREAM,
    subjects: [EVENT_SUBJECTS],
    storage: StorageType.File,
    num_replicas: layout.replicas,
    retention: RetentionPolicy.Limits,
    max_age: nanos(EVENTS_KEPT_MS),
    max_bytes: 1024 * 1024 * 1024,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    republish: { src: EVENT_SUBJECTS, dest: LIVE_EVENT_SUBJECTS },
  },
];

/** JSStreamNameExistErr of nats-server. */
const NAME_IN_USE = 10_058;
/** JSStreamCreateErr and JSStreamStoreFailed: the one of two that create a stream at once has it, and a disk that fails. */
export const CREATE_FAILED: ReadonlySet<number> = new Set([10_049, 10_077]);
/** JSStreamNotFoundErr: somebody else's creation is not done yet, or has failed. */
const NOT_FOUND = 10_059;

const JETSTREAM_WAIT_MS = 10_000;
const JETSTREAM_RETRY_MS = 100;

/** A server that starts takes connections a moment before it has JetStream. @throws Error when it has none after so long */
const managerOf = async (nats: NatsConnection, waitMs: number): Promise<JetStreamManager> => {
  for (const end = Date.now() + waitMs; ; ) {
    try {
      return await jetstreamManager(nats);
    } catch (error) {
      if ((error as Error).name !== 'JetStreamNotEnabled' || Date.now() >= end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, JETSTREAM_RETRY_MS));
  }
};

/** @throws JetStreamApiError */
const ensureStream = async ({ streams }: JetStreamManager, config: Partial<StreamConfig> & { name: string }) => {
  try {
    await streams.add(config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== NAME_IN_USE) throw error;
    // It exists with other settings.
    await streams.update(config.name, config);
  }
};

const mayPass = (error: unknown): boolean =>
  error instanceof JetStreamApiError && (error.code === NOT_FOUND || CREATE_FAILED.has(error.code));

/**
 * Creates what is missing and brings the rest up to date; safe to run from many places at once: who comes in between
 * another's creation tries again.
 *
 * @param waitMs for JetStream, and for a stream that cannot be created at once
 * @throws JetStreamApiError
 */
export const ensureStreams = async (
  nats: NatsConnection,
  layout: StoreLayout,
  waitMs = JETSTREAM_WAIT_MS,
): Promise<void> => {
  const manager = await managerOf(nats, waitMs);
  const end = Date.now() + waitMs;
  for (const config of streams(layout)) {
    for (let isDone = false; !isDone; ) {
      try {
        await ensureStream(manager, config);
        isDone = true;
      } catch (error) {
        if (!mayPass(error) || Date.now() >= end) throw error;
        await new Promise((resolve) => setTimeout(resolve, JETSTREAM_RETRY_MS));
      }
    }
  }
};

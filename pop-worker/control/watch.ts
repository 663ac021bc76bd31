import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

export interface WatchOptions {
  readonly bucket: string;
  /** As `*.device.*`. */
  readonly filter: string;
  /** @param value undefined: the record has ended @param timestampNs when NATS got it, since 1970 */
  readonly onRecord: (key: string, value: Uint8Array | undefined, revision: number, timestampNs: number) => void;
  /** All records there are have come once; what is not among these keys no longer exists. */
  readonly onCaughtUp: (keys: ReadonlySet<string>) => void;
  /** What happens is not followed any more, until `onCaughtUp` comes again. */
  readonly onBehind?: () => void;
  /** Of what kept it from watching; it tries again for ever. */
  readonly onError: (error: unknown) => void;
}

const RETRY_MS = 250;

const isEnd = (message: JsMsg): boolean =>
  (message.headers?.get('KV-Operation') ?? '') !== '' || (message.headers?.get('Nats-Marker-Reason') ?? '') !== '';

/**
 * Follows some records of a bucket. After every reconnection all of them come again, so that nothing that happened in
 * between is missed, however long that was.
 */
export class Watch {
  readonly #nats: NatsConnection;
  readonly #options: WatchOptions;
  readonly #done: Promise<void>;
  #messages: ConsumerMessages | undefined;
  #closed = false;
  /** All there is has come, and every change follows as it happens. */
  isLive = false;
  #wake: (() => void) | undefined;

  constructor(nats: NatsConnection, options: WatchOptions) {
    this.#nats = nats;
    this.#options = options;
    this.#done = this.#run();
  }

  /** Starts over, as after a reconnection. */
  restart(): void {
    this.#fallBehind();
    this.#wake?.();
    void this.#messages?.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.restart();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#follow();
      } catch (error) {
        if (!this.#closed) this.#options.onError(error);
      }
      this.#fallBehind();
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, RETRY_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }

  #fallBehind(): void {
    if (!this.isLive) return;
    this.isLive = false;
    this.#options.onBehind?.();
  }

  async #follow(): Promise<void> {
    const { bucket, filter, onRecord, onCaughtUp } = this.#options;
    const prefix = `$KV.${bucket}.`;
    const consumer = await jetstream(this.#nats).consumers.get(`KV_${bucket}`, {
      // One filter, so that its subject is part of the request's and permissions can hold the worker to it.
      filter_subjects: prefix + filter,
      deliver_policy: DeliverPolicy.LastPerSubject,
    });
    const { num_pending: waiting } = await consumer.info();
    const messages = await consumer.consume();
    this.#messages = messages;
    if (this.#closed) await messages.close();
    let keys: Set<string> | undefined = new Set();
    const caughtUp = (): void => {
      if (keys === undefined) return;
      this.isLive = true;
      onCaughtUp(keys);
      keys = undefined;
    };
    if (waiting === 0) caughtUp();
    for await (const message of messages) {
      const key = message.subject.slice(prefix.length);
      keys?.add(key);
      onRecord(key, isEnd(message) ? undefined : message.data, message.seq, message.info.timestampNanos);
      if (message.info.pending === 0) caughtUp();
    }
  }
}

import { type DirectStreamAPI, type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Change, commitChanges } from './commit.ts';
import { StoreUnavailableError } from './errors.ts';

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Position in the bucket's stream: changes with every change of the record. */
  readonly revision: number;
}

const NO_MESSAGE = 10037;

const isDeleted = (message: StoredMsg): boolean => {
  const operation = message.header?.get('KV-Operation') ?? '';
  return operation !== '' || (message.header?.get('Nats-Marker-Reason') ?? '') !== '';
};

/** One bucket of records, read from and written to JetStream; holds no state of its own. */
export class Store {
  readonly bucket: string;
  readonly #nats: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #timeoutMs: number;

  private constructor(nats: NatsConnection, manager: JetStreamManager, bucket: string, timeoutMs: number) {
    this.#nats = nats;
    this.#manager = manager;
    this.bucket = bucket;
    this.#timeoutMs = timeoutMs;
  }

  static async open(nats: NatsConnection, bucket: string, timeoutMs = 3000): Promise<Store> {
    try {
      return new Store(nats, await jetstreamManager(nats, { timeout: timeoutMs }), bucket, timeoutMs);
    } catch (cause) {
      throw new StoreUnavailableError('the store is not there', { cause });
    }
  }

  /** Reads from the leader, so that what was acknowledged is seen. */
  async get(key: string): Promise<StoredRecord | undefined> {
    try {
      const message = await this.#manager.streams.getMessage(this.#stream, { last_by_subj: this.#subject(key) });
      if (message === null || isDeleted(message)) return undefined;
      return { key, value: message.data, revision: message.seq };
    } catch (cause) {
      if ((cause as { code?: number }).code === NO_MESSAGE) return undefined;
      throw new StoreUnavailableError('the store did not answer', { cause });
    }
  }

  /**
   * All records whose keys match, by key. With replicas it may be behind by a moment.
   *
   * @param filter as `acme.device.*`
   */
  async list(filter: string): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    try {
      const direct: DirectStreamAPI = this.#manager.direct;
      const iterator = await direct.getLastMessagesFor(this.#stream, { multi_last: [this.#subject(filter)] });
      for await (const message of iterator) {
        if (!isDeleted(message))
          records.push({ key: this.#key(message.subject), value: message.data, revision: message.seq });
      }
    } catch (cause) {
      if ((cause as { code?: number }).code === 404) return [];
      throw new StoreUnavailableError('the store did not answer', { cause });
    }
    return records.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** @see commitChanges */
  commit(changes: readonly Change[]): Promise<number> {
    return commitChanges(this.#nats, this.bucket, changes, this.#timeoutMs);
  }

  get #stream(): string {
    return `KV_${this.bucket}`;
  }

  #subject(key: string): string {
    return `$KV.${this.bucket}.${key}`;
  }

  #key(subject: string): string {
    return subject.slice(`$KV.${this.bucket}.`.length);
  }
}

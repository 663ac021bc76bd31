import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { type NatsConnection, TimeoutError } from '@nats-io/nats-core';
import { type Change, commitChanges } from './commit.ts';
import { BusyError, ConflictError, StoreUnavailableError, UnreadableRecordError } from './errors.ts';
import { Gate } from './gate.ts';
import { UnreadableRecords } from './unreadable.ts';

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Position in the bucket's stream: changes with every change of the record. */
  readonly revision: number;
  /** When NATS took it, in milliseconds since 1970 by its own clock. */
  readonly timeMs: number;
}

/** A record that may have ended: then `value` is undefined and `revision` the one of its end, 0 if it never was. */
export interface LastRevision {
  readonly value: Uint8Array | undefined;
  readonly revision: number;
  readonly timeMs: number;
}

const NEVER: LastRevision = { value: undefined, revision: 0, timeMs: 0 };

export interface Page {
  readonly records: StoredRecord[];
  /** Where the next page starts, undefined when this is the last one. */
  readonly next: number | undefined;
}

const NO_MESSAGE = 10037;
const BATCH = 500;
/** Of this process; the server holds 50 commits a stream for all. */
const COMMITS_AT_ONCE = 8;
const BUSY_TRIES = 50;

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
  readonly #gate = new Gate(COMMITS_AT_ONCE);
  readonly #listeners: ((changes: readonly Change[]) => void)[] = [];
  readonly #conflictListeners: (() => void)[] = [];
  readonly #unreadable = new UnreadableRecords();

  private constructor(nats: NatsConnection, manager: JetStreamManager, bucket: string, timeoutMs: number) {
    this.#nats = nats;
    this.#manager = manager;
    this.bucket = bucket;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks the server nothing yet, so that a service starts also while the store is away. */
  static async open(nats: NatsConnection, bucket: string, timeoutMs = 3000): Promise<Store> {
    const manager = await jetstreamManager(nats, { timeout: timeoutMs, checkAPI: false });
    return new Store(nats, manager, bucket, timeoutMs);
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    const { value, ...rest } = await this.last(key);
    return value === undefined ? undefined : { key, value, ...rest };
  }

  /** Reads from the leader, so that what was acknowledged is seen. */
  async last(key: string): Promise<LastRevision> {
    try {
      const message = await this.#manager.streams.getMessage(this.#stream, { last_by_subj: this.#subject(key) });
      if (message === null) return NEVER;
      const { seq: revision } = message;
      return { value: isDeleted(message) ? undefined : message.data, revision, timeMs: message.time.getTime() };
    } catch (cause) {
      if ((cause as { code?: number }).code === NO_MESSAGE) return NEVER;
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
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page: Page = await this.page(filter, from, BATCH);
      records.push(...page.records);
      from = page.next;
    }
    return records.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * Records whose keys match, in the order of their last change; one that changes meanwhile comes again.
   *
   * @param after revision of the last record of the page before, 0 for the first page
   */
  async page(filter: string, after: number, size: number): Promise<Page> {
    const records: StoredRecord[] = [];
    let at = after;
    // Memories of ended records fill batches too, so one batch may be less than a page.
    while (records.length <= size) {
      const batch = await this.#batch(filter, at + 1);
      for (const message of batch) {
        at = message.seq;
        if (isDeleted(message)) continue;
        const { data: value, seq: revision, time } = message;
        records.push({ key: this.#key(message.subject), value, revision, timeMs: time.getTime() });
        if (records.length > size) break;
      }
      if (batch.length < BATCH) break;
    }
    if (records.length <= size) return { records, next: undefined };
    records.length = size;
    return { records, next: records[size - 1]?.revision };
  }

  /**
   * What a record says.
   *
   * @throws UnreadableRecordError, which `onUnreadable` is told of too
   */
  read<Desc extends DescMessage>(
    schema: Desc,
    { key, value, revision }: Pick<StoredRecord, 'key' | 'value' | 'revision'>,
  ): MessageShape<Desc> {
    try {
      return fromBinary(schema, value);
    } catch (cause) {
      const error = new UnreadableRecordError(this.bucket, key, cause);
      this.#unreadable.meet(key, revision, error);
      throw error;
    }
  }

  /** As `read`; undefined where one unreadable record must not end what is done for all. */
  tryRead<Desc extends DescMessage>(
    schema: Desc,
    record: Pick<StoredRecord, 'key' | 'value' | 'revision'>,
  ): MessageShape<Desc> | undefined {
    try {
      return this.read(schema, record);
    } catch (error) {
      if (error instanceof UnreadableRecordError) return undefined;
      throw error;
    }
  }

  /** Is told once of each unreadable record that was met, and again when it has changed and still is none. */
  onUnreadable(listener: (error: UnreadableRecordError) => void): void {
    this.#unreadable.onMet(listener);
  }

  /** Is told of this process's own commits, once they are made. */
  onCommit(listener: (changes: readonly Change[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Is told of each commit that was refused because somebody else was faster. */
  onConflict(listener: () => void): void {
    this.#conflictListeners.push(listener);
  }

  /** @see commitChanges; waits while the store is busy */
  commit(changes: readonly Change[]): Promise<number> {
    return this.#gate.run(async () => {
      for (let tries = 1; ; tries++) {
        try {
          const revision = await commitChanges(this.#nats, this.bucket, changes, this.#timeoutMs);
          for (const listener of this.#listeners) listener(changes);
          return revision;
        } catch (error) {
          if (error instanceof ConflictError) for (const listener of this.#conflictListeners) listener();
          if (!(error instanceof BusyError)) throw error;
          if (tries === BUSY_TRIES) throw new StoreUnavailableError('the store has too much to do', { cause: error });
          await new Promise((resolve) => setTimeout(resolve, 10 + tries * 2));
        }
      }
    });
  }

  async #batch(filter: string, seq: number): Promise<StoredMsg[]> {
    const messages: StoredMsg[] = [];
    try {
      const options = { seq, next_by_subj: this.#subject(filter), batch: BATCH };
      const iterator = await this.#manager.direct.getBatch(this.#stream, options);
      // The iterator waits for ever when the connection ends under it.
      const timer = setTimeout(() => iterator.stop(new TimeoutError()), this.#timeoutMs);
      try {
        for await (const message of iterator) messages.push(message);
      } finally {
        clearTimeout(timer);
      }
    } catch (cause) {
      if ((cause as { code?: number }).code === 404) return messages;
      throw new StoreUnavailableError('the store did not answer', { cause });
    }
    return messages;
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

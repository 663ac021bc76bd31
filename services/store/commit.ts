import {
  headers,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  nuid,
  RequestError,
  TimeoutError,
} from '@nats-io/nats-core';
import { BusyError, ConflictError, StoreUnavailableError } from './errors.ts';

/** One record's change: a new value, or its end (`value` undefined). */
export interface Change {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  /** The revision that the record must still have, 0 when it must not exist; undefined: whatever it has. */
  readonly ifRevision?: number;
  /**
   * Another record that must still have its revision, although this commit does not change it. The server checks one
   * condition a record, so this one excludes `ifRevision`.
   */
  readonly requires?: { readonly key: string; readonly revision: number };
  /** The record (or, with `value` undefined, the memory of its end) goes by itself after this time. */
  readonly ttlSeconds?: number;
}

/** NATS refuses a larger batch. */
export const MAX_CHANGES = 1000;

/** JetStream: "wrong last sequence", for a single message and for one of a batch. */
const WRONG_SEQUENCE = new Set([10071, 10164]);

interface PublishAck {
  readonly error?: { readonly err_code?: number; readonly description?: string };
  readonly seq?: number;
}

/** Too many commits of the whole installation are on their way: the server holds 50 a stream. */
const TOO_MANY_IN_FLIGHT = 10210;

const NO_BYTES = new Uint8Array(0);

/**
 * Makes all changes or none, in one bucket (JetStream's atomic batch publishing, from server 2.12).
 *
 * @returns the revision of the last change; the others have the ones right before it
 * @throws BusyError when too many commits are on their way: nothing was changed, try again
 * @throws ConflictError when a record has another revision than was asked for
 * @throws StoreUnavailableError when the answer did not come
 */
export const commitChanges = async (
  nats: NatsConnection,
  bucket: string,
  changes: readonly Change[],
  timeoutMs: number,
): Promise<number> => {
  if (changes.length === 0 || changes.length > MAX_CHANGES)
    throw new RangeError(`a commit takes 1 to ${MAX_CHANGES} changes`);
  const batch = nuid.next();
  const last = changes.length - 1;
  for (const [i, change] of changes.entries()) {
    const subject = `$KV.${bucket}.${change.key}`;
    const meta = headersOf(bucket, change);
    if (last > 0) {
      meta.set('Nats-Batch-Id', batch);
      meta.set('Nats-Batch-Sequence', String(i + 1));
      if (i === last) meta.set('Nats-Batch-Commit', '1');
    }
    const payload = change.value ?? NO_BYTES;
    if (i > 0 && i < last) {
      nats.publish(subject, payload, { headers: meta });
      continue;
    }
    const reply = await request(nats, subject, payload, meta, timeoutMs);
    if (i === last) return sequenceOf(reply, bucket);
    if (reply.data.length > 0) sequenceOf(reply, bucket);
  }
  throw new RangeError('unreachable');
};

const headersOf = (bucket: string, change: Change): MsgHdrs => {
  const meta = headers();
  if (change.value === undefined) meta.set('KV-Operation', 'DEL');
  if (change.ifRevision !== undefined) meta.set('Nats-Expected-Last-Subject-Sequence', String(change.ifRevision));
  if (change.requires !== undefined) {
    if (change.ifRevision !== undefined) throw new RangeError(`${change.key}: one condition a record`);
    meta.set('Nats-Expected-Last-Subject-Sequence', String(change.requires.revision));
    meta.set('Nats-Expected-Last-Subject-Sequence-Subject', `$KV.${bucket}.${change.requires.key}`);
  }
  if (change.ttlSeconds !== undefined) meta.set('Nats-TTL', `${change.ttlSeconds}s`);
  return meta;
};

const request = async (
  nats: NatsConnection,
  subject: string,
  payload: Uint8Array,
  meta: MsgHdrs,
  timeout: number,
): Promise<Msg> => {
  try {
    return await nats.request(subject, payload, { headers: meta, timeout });
  } catch (cause) {
    if (cause instanceof TimeoutError)
      throw new StoreUnavailableError(
        `the store did not answer within ${timeout} ms, as when the disk of nats-server is full`,
        { cause },
      );
    if (cause instanceof RequestError) throw new StoreUnavailableError('the store is not there', { cause });
    throw new StoreUnavailableError('the connection to the store is lost', { cause });
  }
};

const sequenceOf = (reply: Msg, bucket: string): number => {
  const ack = reply.json<PublishAck>();
  if (ack.error !== undefined) {
    const { err_code: code = 0, description = 'unknown' } = ack.error;
    if (WRONG_SEQUENCE.has(code)) throw new ConflictError(`a record in ${bucket} was changed meanwhile`);
    if (code === TOO_MANY_IN_FLIGHT) throw new BusyError('the store is busy');
    throw new StoreUnavailableError(`the store refused: ${description} (${code})`);
  }
  return ack.seq ?? 0;
};

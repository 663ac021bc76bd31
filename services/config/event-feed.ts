import { Code, ConnectError } from '@connectrpc/connect';
import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { EVENT_STREAM } from '#model/names.ts';
import { apiError } from '#services/api/errors.ts';
import { StoreUnavailableError } from '#services/store/errors.ts';
import type { Stores } from './stores.ts';

/** Between two looks at a NATS that is away. */
const RETRY_MS = 250;

/**
 * The position that a watch starts behind.
 *
 * @param after 0: only what is new
 * @throws OutOfRange when events after it are no longer kept: who was away for too long must hear that some are lost
 */
export const startPosition = async (nats: NatsConnection, after: bigint): Promise<number> => {
  const kept = await keptEvents(nats);
  if (after === 0n) return kept.last_seq;
  mustBeKept(kept, after);
  return Number(after);
};

export interface FeedOptions {
  readonly subjects: readonly string[];
  /** Events behind this position. */
  readonly after: number;
  readonly signal: AbortSignal;
}

/**
 * Events behind a position, each once and in order, until the signal. It outlives outages of NATS: when that is back, it goes
 * on behind what came last.
 *
 * @throws OutOfRange when events that did not come yet are no longer kept
 * @throws StoreUnavailableError when this copy of the service ends
 */
export async function* followEvents(
  { nats, reconnects }: Stores,
  { subjects, after, signal }: FeedOptions,
): AsyncGenerator<JsMsg> {
  let position = after;
  while (!signal.aborted) {
    const messages = await openWhenThere(nats, subjects, position, signal);
    const end = (): void => void messages?.close();
    const ignore = reconnects.listen(end);
    signal.addEventListener('abort', end);
    try {
      for await (const message of messages ?? []) {
        position = message.seq;
        yield message;
      }
    } finally {
      signal.removeEventListener('abort', end);
      ignore();
      end();
    }
  }
}

/** @returns undefined when the signal came first */
const openWhenThere = async (
  nats: NatsConnection,
  subjects: readonly string[],
  after: number,
  signal: AbortSignal,
): Promise<ConsumerMessages | undefined> => {
  while (!signal.aborted) {
    try {
      mustBeKept(await keptEvents(nats), BigInt(after));
      const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 };
      const consumer = await jetstream(nats).consumers.get(EVENT_STREAM, { ...start, filter_subjects: [...subjects] });
      return await consumer.consume();
    } catch (error) {
      // Whatever else it is passes, or the caller goes; a connection that was closed here does not come back.
      if (error instanceof ConnectError || nats.isClosed()) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return undefined;
};

interface Kept {
  readonly first_seq: number;
  readonly last_seq: number;
}

const mustBeKept = ({ first_seq: first, last_seq: last }: Kept, after: bigint): void => {
  if (after <= BigInt(last) && after >= BigInt(first) - 1n) return;
  const message = `events are kept from ${first} to ${last}: position ${after} is not among them; read the resources anew and watch from 0`;
  throw apiError(Code.OutOfRange, 'POSITION_NOT_KEPT', message);
};

const keptEvents = async (nats: NatsConnection): Promise<Kept> => {
  try {
    return (await (await jetstreamManager(nats, { checkAPI: false })).streams.info(EVENT_STREAM)).state;
  } catch (cause) {
    throw new StoreUnavailableError('the events cannot be read now', { cause });
  }
};

import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { Code, type HandlerContext } from '@connectrpc/connect';
import { configKey, SYSTEM } from '#model/names.ts';
import { IdempotencyRecordSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { replayedKey } from '#services/api/calls.ts';
import { apiError } from '#services/api/errors.ts';
import { callerOf } from '#services/authn/authenticate.ts';
import type { Change } from '#services/store/commit.ts';
import { ConflictError } from '#services/store/errors.ts';
import type { Store } from '#services/store/store.ts';
import { type EventInput, outboxChange } from './outbox.ts';
import { withEtag } from './resource.ts';

/** What a call wants to change, decided on what the store said a moment ago. */
export interface Decision<T extends Message> {
  /** The resource: the last record of the commit, so that its etag is the commit's revision. */
  readonly resource: Change;
  /** Whatever else changes with it, or not at all. */
  readonly others?: readonly Change[];
  readonly event: EventInput;
  /** Without an etag; none for a deletion. */
  readonly answer?: T;
}

/** A second call with the same key is answered like the first for this long. */
const IDEMPOTENCY_SECONDS = 24 * 3600;
const MAX_KEY_LENGTH = 200;
/** So many others may be faster before a call gives up. */
const TRIES = 40;

/**
 * Makes a change: decides, commits all of it or none, and decides anew when somebody else was faster. With an
 * Idempotency-Key the answer is kept in the same commit and given again to whoever repeats the request.
 *
 * @param decide reads the store and says what to do, or gives the answer when there is nothing to do
 */
export const makeChange = async <T extends Message>(
  store: Store,
  context: HandlerContext,
  request: Message,
  decide: (attempt: number) => Promise<Decision<T> | { readonly unchanged: T }>,
): Promise<T> => {
  const repeat = await findRepeat(context, request);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = repeat === undefined ? undefined : await readAnswer<T>(store, context.method.output, repeat);
    if (before?.answer !== undefined) {
      context.values.set(replayedKey, true);
      return before.answer;
    }
    const decision = await decide(attempt);
    if ('unchanged' in decision) return decision.unchanged;
    const { resource, others = [], event, answer = create(EmptySchema) as Message as T } = decision;
    const changes = [...others, outboxChange(event, callerOf(context).subject)];
    if (repeat !== undefined) changes.push(answerRecord(context, repeat, before?.revision ?? 0, answer));
    try {
      return withEtag(answer, await store.commit([...changes, resource]));
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      await pause(attempt);
    }
  }
  throw apiError(
    Code.Aborted,
    'CHANGED_MEANWHILE',
    'others change the same things all the time; try again in a moment',
  );
};

/** Others do the same at this moment: spread out. */
const pause = (attempt: number): Promise<void> => {
  const random = crypto.getRandomValues(new Uint8Array(1))[0] as number;
  return new Promise((resolve) => setTimeout(resolve, (random / 255) * Math.min(5 * 2 ** attempt, 200)));
};

interface Repeat {
  readonly key: string;
  readonly requestHash: Uint8Array;
}

const sha256 = async (...parts: readonly (string | Uint8Array)[]): Promise<Uint8Array> => {
  const encoder = new TextEncoder();
  const bytes = parts.map((part) => (typeof part === 'string' ? encoder.encode(`${part}\0`) : part));
  const joined = new Uint8Array(bytes.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    joined.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', joined));
};

const findRepeat = async (context: HandlerContext, request: Message): Promise<Repeat | undefined> => {
  const key = context.requestHeader.get('idempotency-key');
  if (key === null) return undefined;
  if (key === '' || key.length > MAX_KEY_LENGTH) {
    const message = `Idempotency-Key must have 1 to ${MAX_KEY_LENGTH} characters`;
    throw apiError(Code.InvalidArgument, 'IDEMPOTENCY_KEY_INVALID', message);
  }
  const method = `${context.method.parent.typeName}/${context.method.name}`;
  const name = await sha256(callerOf(context).subject, key);
  const hex = Array.from(name, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const requestHash = await sha256(method, toBinary(context.method.input as DescMessage, request));
  return { key: configKey(SYSTEM, 'idempotency', hex), requestHash };
};

const readAnswer = async <T extends Message>(
  store: Store,
  output: DescMessage,
  repeat: Repeat,
): Promise<{ readonly answer: T | undefined; readonly revision: number }> => {
  const { value, revision } = await store.last(repeat.key);
  if (value === undefined) return { answer: undefined, revision };
  const record = store.read(IdempotencyRecordSchema, { key: repeat.key, value, revision });
  if (record.requestHash.some((byte, i) => byte !== repeat.requestHash[i])) {
    const message = 'this Idempotency-Key came with another request before: use a new key for each request';
    throw apiError(Code.FailedPrecondition, 'IDEMPOTENCY_KEY_REUSED', message);
  }
  // The resource lies right behind this record: that position is its etag.
  return { answer: withEtag(fromBinary(output, record.response) as Message as T, revision + 1), revision };
};

const answerRecord = (context: HandlerContext, repeat: Repeat, ifRevision: number, answer: Message): Change => {
  const response = toBinary(context.method.output as DescMessage, answer);
  const record = create(IdempotencyRecordSchema, { requestHash: repeat.requestHash, response });
  return {
    key: repeat.key,
    value: toBinary(IdempotencyRecordSchema, record),
    ifRevision,
    ttlSeconds: IDEMPOTENCY_SECONDS,
  };
};

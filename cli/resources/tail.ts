import { setTimeout as sleep } from 'node:timers/promises';
import { type JsonObject, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { OAuthFailure } from '#client/oauth.ts';
import { type Event, EventSchema, EventService } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import type { ApiClient } from '../api/client.ts';

/** One event, with the position to go on from. */
export interface Told {
  readonly position: bigint;
  /** `device.created`. */
  readonly type: string;
  /** Which resource, such as `laptop` or `moscow/w1`. */
  readonly subject: string;
  readonly event: Event;
}

export interface TailSink {
  event(told: Told): void;
  /** It listens, from the next event after this position on. */
  listening(position: bigint): void;
  /** The connection was lost and is made again. */
  lost(reason: unknown, inMs: number): void;
}

const PAUSE_MS = 500;
const MOST_PAUSE_MS = 15_000;

/** What is over for good, whoever tries again. */
const FINAL = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.OutOfRange,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.FailedPrecondition,
]);

const isFinal = (error: unknown): boolean => {
  if (error instanceof ConnectError) return FINAL.has(error.code);
  return !(error instanceof OAuthFailure && error.temporary);
};

/** `deviceCreated` → `device.created`. */
const typeOf = (name: string): string => name.replace(/(?=[A-Z][a-z]+$)/, '.').toLowerCase();

const subjectOf = ({ data }: Event): string => {
  const { pop, id, device, number } = (data.value ?? {}) as Readonly<Record<string, unknown>>;
  const name = id ?? device ?? number ?? '';
  return data.case?.startsWith('worker') ? `${pop}/${name}` : String(name);
};

export const eventJson = ({ position, type, event }: Told): JsonObject => ({
  position: String(position),
  type,
  ...(toJson(EventSchema, event) as JsonObject),
});

/**
 * Follows events until it is told to stop, and over connections that break: each event comes once.
 *
 * @param tenant '' for all that the caller may see
 * @param after 0 for new ones only
 * @throws ConnectError, OAuthFailure when trying again cannot help
 */
export const tail = async (
  api: ApiClient,
  tenant: string,
  after: bigint,
  sink: TailSink,
  signal: AbortSignal,
): Promise<void> => {
  let position = after;
  let failures = 0;
  let heard = false;
  while (!signal.aborted) {
    try {
      for await (const answer of api.service(EventService).watchEvents({ tenant, after: position }, { signal })) {
        failures = 0;
        heard = true;
        position = answer.position;
        const { event } = answer;
        if (event === undefined) sink.listening(position);
        else sink.event({ position, type: typeOf(event.data.case ?? ''), subject: subjectOf(event), event });
      }
      throw new ConnectError('the API ended the stream', Code.Unavailable);
    } catch (error) {
      if (signal.aborted) return;
      // What does not even begin is told at once; a token that was turned down is given one more chance, with another.
      const isRefused = error instanceof ConnectError && error.code === Code.Unauthenticated && failures === 0;
      if (!isRefused && (!heard || isFinal(error))) throw error;
      const inMs = Math.min(PAUSE_MS * 2 ** failures++, MOST_PAUSE_MS);
      sink.lost(error, inMs);
      await sleep(inMs, undefined, { signal }).catch(() => undefined);
    }
  }
};

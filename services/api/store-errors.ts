import { Code, type ConnectError } from '@connectrpc/connect';
import { ConflictError, StoreUnavailableError, UnreadableRecordError } from '#services/store/errors.ts';
import { apiError } from './errors.ts';

/** What the store's errors mean to callers. */
export const translateStoreError = (error: unknown): ConnectError | undefined => {
  if (error instanceof ConflictError) {
    return apiError(Code.Aborted, 'CHANGED_MEANWHILE', 'somebody changed the same thing at this moment: try again', {
      cause: error,
    });
  }
  if (error instanceof StoreUnavailableError) {
    const message = `NATS JetStream cannot be reached from this service (${error.message}): try again in a moment, with the same Idempotency-Key`;
    return apiError(Code.Unavailable, 'STORE_UNAVAILABLE', message, { cause: error, headers: { 'retry-after': '1' } });
  }
  if (error instanceof UnreadableRecordError) {
    return apiError(Code.DataLoss, 'RECORD_UNREADABLE', error.message, { cause: error });
  }
  return undefined;
};

/** Somebody else changed the record first, or it exists already: read again and decide anew. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

/** A record's bytes are not what its key says they are. Who wrote them had the store's credentials, or the disk is at fault. */
export class UnreadableRecordError extends Error {
  override readonly name = 'UnreadableRecordError';

  constructor(bucket: string, key: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`the record ${key} of ${bucket} cannot be read (${reason}): put it back from a backup, or delete the key`, {
      cause,
    });
  }
}

/** The store does not answer; nothing is known about whether the change was made. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/** The store has too much to do at this moment; nothing was changed. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

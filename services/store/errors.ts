/** Somebody else changed the record first, or it exists already: read again and decide anew. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

/** The store does not answer; nothing is known about whether the change was made. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/** The store has too much to do at this moment; nothing was changed. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

import { errors } from 'oidc-provider';
import { StoreUnavailableError } from '#services/store/errors.ts';

/** RFC 6749 §4.1.2.1 names this error for authorization; over plain HTTP it is a 503. */
class StoreAway extends errors.TemporarilyUnavailable {
  constructor(cause: unknown) {
    super('the store cannot be reached from this service: try again in a moment', { cause } as never);
    this.status = 503;
    this.statusCode = 503;
    this.expose = true;
  }
}

/** Gives the store's absence the name that OAuth has for it. */
export const orUnavailable = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw error instanceof StoreUnavailableError ? new StoreAway(error) : error;
  }
};

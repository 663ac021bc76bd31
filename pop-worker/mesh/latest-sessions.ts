import type { SessionPlace } from '#dataplane/commands.ts';
import type { RemoteSession } from '#dataplane/forward/remote-sessions.ts';
import { keyOf } from './remote-devices.ts';

export type OwnSession = SessionPlace & Pick<RemoteSession, 'tenant' | 'device'>;

const idOf = ({ thread, serial }: Pick<SessionPlace, 'thread' | 'serial'>): string => `${thread} ${serial}`;

/**
 * The latest session of each device of this worker. Threads tell of a session when it comes, and again when something of it is
 * another: by then its device may be in a newer session, or at another worker, and must not be led back.
 */
export class LatestSessions {
  /** Keys of the devices of all that have not ended. */
  readonly #keys = new Map<string, string>();
  readonly #latest = new Map<string, OwnSession>();

  get(key: string): OwnSession | undefined {
    return this.#latest.get(key);
  }

  /** A thread tells of a session. @returns whether it is new, something of its device's latest is another, or it is over for its device */
  told({ thread, id, serial, tenant, device }: OwnSession): 'new' | 'changed' | 'former' {
    const session = { thread, id, serial, tenant, device };
    const key = keyOf(tenant, device);
    if (this.#keys.has(idOf(session))) return this.#isLatest(key, session) ? 'changed' : 'former';
    this.#keys.set(idOf(session), key);
    this.#latest.set(key, session);
    return 'new';
  }

  /** A session ended. @returns the key of its device, if this was the latest of it */
  ended(session: Pick<SessionPlace, 'thread' | 'serial'>): string | undefined {
    const key = this.#keys.get(idOf(session));
    this.#keys.delete(idOf(session));
    if (key === undefined || !this.#isLatest(key, session)) return undefined;
    this.#latest.delete(key);
    return key;
  }

  /** The device of a session is elsewhere by now: the session may live on for a moment. */
  superseded(session: Pick<SessionPlace, 'thread' | 'serial'>): void {
    const key = this.#keys.get(idOf(session));
    if (key !== undefined && this.#isLatest(key, session)) this.#latest.delete(key);
  }

  #isLatest(key: string, { thread, serial }: Pick<SessionPlace, 'thread' | 'serial'>): boolean {
    const latest = this.#latest.get(key);
    return latest?.thread === thread && latest.serial === serial;
  }
}

import type { Prefix } from '#protocol/ip/text.ts';
import type { DevicePast } from '#protocol/mesh/presence/ticket-age.ts';
import type { OutsideBlock } from './session.ts';
import { UNREACHABLE } from './tenants.ts';

/** Where the targets of routes begin that lead to other threads; below are this thread's sessions. */
const FIRST_REMOTE = 0x40000000;

/** A session that another data-plane thread owns, as this one knows it. */
export interface RemoteSession {
  readonly thread: number;
  /** Index in that thread's table, and what tells it from earlier sessions there. */
  readonly id: number;
  readonly serial: number;
  readonly tenant: string;
  readonly device: string;
  readonly sources: readonly Prefix[];
  /** As `Session.rank`. */
  readonly rank?: number | undefined;
  /** Its device's outside ports, where IPv4 is translated to such. */
  readonly outside?: OutsideBlock | undefined;
  /** Where its device was before, by the ticket that it came with; of sessions of this worker. */
  readonly past?: DevicePast | undefined;
  /** Number of the worker that has it; of sessions of other workers. */
  readonly member?: number | undefined;
  /** In which epoch its device is there; of sessions of other workers. */
  readonly epoch?: number | undefined;
}

export const isRemote = (target: number): boolean => target >= FIRST_REMOTE && target !== UNREACHABLE;

const keyOf = ({ thread, serial }: Pick<RemoteSession, 'thread' | 'serial'>): number => thread * 2 ** 40 + serial;

/** Sessions of other threads, each with a target that routes can lead to. */
export class RemoteSessions {
  readonly #sessions: (RemoteSession | undefined)[] = [];
  readonly #targets = new Map<number, number>();
  readonly #free: number[] = [];

  get(target: number): RemoteSession | undefined {
    return this.#sessions[target - FIRST_REMOTE];
  }

  find(session: Pick<RemoteSession, 'thread' | 'serial'>): RemoteSession | undefined {
    const target = this.#targets.get(keyOf(session));
    return target === undefined ? undefined : this.get(target);
  }

  /** @returns its target: a new one, or the one that it has */
  add(session: RemoteSession): number {
    const known = this.#targets.get(keyOf(session));
    if (known !== undefined) {
      this.#sessions[known - FIRST_REMOTE] = session;
      return known;
    }
    const index = this.#free.pop() ?? this.#sessions.length;
    this.#sessions[index] = session;
    this.#targets.set(keyOf(session), FIRST_REMOTE + index);
    return FIRST_REMOTE + index;
  }

  /** @returns the target that it had; no route may lead there any more when the next is added */
  remove(session: Pick<RemoteSession, 'thread' | 'serial'>): number | undefined {
    const target = this.#targets.get(keyOf(session));
    if (target === undefined) return undefined;
    this.#targets.delete(keyOf(session));
    this.#sessions[target - FIRST_REMOTE] = undefined;
    this.#free.push(target - FIRST_REMOTE);
    return target;
  }
}

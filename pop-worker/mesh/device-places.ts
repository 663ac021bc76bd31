import { bootUs } from '#host/clock/clock.ts';
import { MeshError } from '#protocol/mesh/errors.ts';
import type { Mesh } from '#protocol/mesh/mesh.ts';
import type { PresenceRecord } from '#protocol/mesh/presence/record.ts';
import { writeDevicePlace } from '#protocol/mesh/wire/sources.ts';
import { LatestSessions } from './latest-sessions.ts';
import type { MeshCommand, MeshNotice } from './messages.ts';
import { keyOf, type RemoteDevices } from './remote-devices.ts';
import type { MeshThreadSetup } from './setup.ts';
import type { SharedSessions } from './shared-sessions.ts';

type Session<T extends 'attached' | 'detached'> = Extract<MeshCommand, { type: T }>['session'];

export interface DevicePlacesParts {
  readonly setup: Pick<MeshThreadSetup, 'member' | 'threads' | 'filters'>;
  readonly mesh: () => Pick<Mesh, 'arrive' | 'change' | 'leave'>;
  readonly remote: RemoteDevices;
  readonly sessions: () => SharedSessions;
  readonly filters: () => SharedSessions;
  readonly notify: (notice: MeshNotice) => void;
}

/** Where devices are: those that are here, as the mesh is told, and those elsewhere, as it tells. */
export class DevicePlaces {
  readonly #parts: DevicePlacesParts;
  readonly #own = new LatestSessions();

  constructor(parts: DevicePlacesParts) {
    this.#parts = parts;
  }

  /** A session came to a data-plane thread, or what others are to know of it is another. */
  attached(session: Session<'attached'>): void {
    const { setup, mesh, sessions, filters } = this.#parts;
    const { thread, id, serial, tenant, device, sources, rank, outside, past } = session;
    if (thread === setup.threads) return;
    const told = this.#own.told(session);
    if (told === 'former') return;
    const key = keyOf(tenant, device);
    const data = writeDevicePlace({ thread, id, serial, sources, rank, outside });
    if (told === 'changed') mesh().change(key, data, bootUs());
    // The time serves as an epoch where nothing tells one: a later session of a device counts more.
    else mesh().arrive(key, data, Date.now(), past, bootUs());
    if (outside !== undefined) sessions().attached(key, thread);
    if (setup.filters) filters().attached(key, thread);
  }

  /** …or left it. */
  detached(session: Session<'detached'>): void {
    const key = this.#own.ended(session);
    if (key === undefined) return;
    this.#parts.mesh().leave(key, bootUs());
    this.#left(key);
  }

  /** A device of ours may be served. */
  settled(key: string, epoch: number): void {
    const { setup, notify } = this.#parts;
    const session = this.#own.get(key);
    if (session !== undefined) notify({ type: 'settled', ...session, epoch, member: setup.member });
  }

  /** A device of ours is elsewhere by now: its session here may live on for a moment. */
  superseded(key: string): void {
    const session = this.#own.get(key);
    if (session === undefined) return;
    const { thread, id, serial } = session;
    this.#own.superseded(session);
    this.#parts.notify({ type: 'superseded', thread, id, serial });
    this.#left(key);
  }

  /** Where a device is now, or that it left. */
  learn(record: PresenceRecord): void {
    const { setup, remote, sessions, filters, notify } = this.#parts;
    for (const kept of [sessions(), filters()]) kept.seen(record.key, record.member, record.gone, bootUs() / 1000);
    const isElsewhere = !record.gone && record.member !== setup.member;
    try {
      const { detached, attached } = remote.set(record.key, isElsewhere ? record : undefined);
      if (detached !== undefined) notify({ type: 'detached', session: detached });
      if (attached !== undefined) notify({ type: 'attached', session: attached });
    } catch (error) {
      // Another release may say more of a device's place: its packets go nowhere, all else goes on.
      if (!(error instanceof MeshError)) throw error;
      notify({ type: 'refused', reason: `the place of ${record.key} cannot be read: ${error.message}` });
    }
  }

  #left(key: string): void {
    const { sessions, filters } = this.#parts;
    for (const kept of [sessions(), filters()]) kept.detached(key, bootUs() / 1000);
  }
}

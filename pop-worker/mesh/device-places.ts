import type { SessionPlace } from '#dataplane/commands.ts';
import type { RemoteSession } from '#dataplane/forward/remote-sessions.ts';
import { bootUs } from '#host/clock/clock.ts';
import { MeshError } from '#protocol/mesh/errors.ts';
import type { Mesh } from '#protocol/mesh/mesh.ts';
import type { PresenceRecord } from '#protocol/mesh/presence/record.ts';
import { writeDevicePlace } from '#protocol/mesh/wire/sources.ts';
import type { MeshCommand, MeshNotice } from './messages.ts';
import { keyOf, type RemoteDevices } from './remote-devices.ts';
import type { MeshThreadSetup } from './setup.ts';
import type { SharedSessions } from './shared-sessions.ts';

type Session<T extends 'attached' | 'detached'> = Extract<MeshCommand, { type: T }>['session'];

export interface DevicePlacesParts {
  readonly setup: Pick<MeshThreadSetup, 'member' | 'threads' | 'filters'>;
  readonly mesh: () => Pick<Mesh, 'arrive' | 'leave'>;
  readonly remote: RemoteDevices;
  readonly sessions: () => SharedSessions;
  readonly filters: () => SharedSessions;
  readonly notify: (notice: MeshNotice) => void;
}

/** Where devices are: those that are here, as the mesh is told, and those elsewhere, as it tells. */
export class DevicePlaces {
  readonly #parts: DevicePlacesParts;
  /** Devices of ours by thread and serial of their sessions, and the latest session of each. */
  readonly #own = new Map<string, string>();
  readonly #latest = new Map<string, SessionPlace & Pick<RemoteSession, 'tenant' | 'device'>>();

  constructor(parts: DevicePlacesParts) {
    this.#parts = parts;
  }

  /** A session came to a data-plane thread. */
  attached({ thread, id, serial, tenant, device, sources, rank, outside, past }: Session<'attached'>): void {
    const { setup, mesh, sessions, filters } = this.#parts;
    if (thread === setup.threads) return;
    const key = keyOf(tenant, device);
    this.#own.set(`${thread} ${serial}`, key);
    this.#latest.set(key, { thread, id, serial, tenant, device });
    const data = writeDevicePlace({ thread, id, serial, sources, rank, outside });
    // The time serves as an epoch where nothing tells one: a later session of a device counts more.
    mesh().arrive(key, data, Date.now(), past, bootUs());
    if (outside !== undefined) sessions().attached(key, thread);
    if (setup.filters) filters().attached(key, thread);
  }

  /** …or left it. */
  detached({ thread, serial }: Session<'detached'>): void {
    const session = `${thread} ${serial}`;
    const key = this.#own.get(session);
    this.#own.delete(session);
    if (key === undefined) return;
    const latest = this.#latest.get(key);
    if (latest?.thread !== thread || latest.serial !== serial) return;
    this.#latest.delete(key);
    this.#parts.mesh().leave(key, bootUs());
    this.#left(key);
  }

  /** A device of ours may be served. */
  settled(key: string, epoch: number): void {
    const { setup, notify } = this.#parts;
    const session = this.#latest.get(key);
    if (session !== undefined) notify({ type: 'settled', ...session, epoch, member: setup.member });
  }

  /** A device of ours is elsewhere by now: its session here may live on for a moment. */
  superseded(key: string): void {
    const session = this.#latest.get(key);
    if (session === undefined) return;
    const { thread, id, serial } = session;
    this.#parts.notify({ type: 'superseded', thread, id, serial });
    this.#latest.delete(key);
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

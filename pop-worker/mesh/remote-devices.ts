import type { DetachedSession } from '#dataplane/commands.ts';
import type { RemoteSession } from '#dataplane/forward/remote-sessions.ts';
import type { PresenceRecord } from '#protocol/mesh/presence/record.ts';
import type { Place } from '#protocol/mesh/wire/packet.ts';
import { Reader } from '#protocol/mesh/wire/reader.ts';
import { type DevicePlace, readDevicePlace } from '#protocol/mesh/wire/sources.ts';

/** A session at another worker. */
export interface RemoteDevice extends Place {
  readonly member: number;
}

/** Key of a device within the mesh. Both names are lower-case letters, digits and dashes (`model/names.ts`). */
export const keyOf = (tenant: string, device: string): string => `${tenant}/${device}`;

/** Sessions that are no more and are remembered. */
const MOST_FORMER = 1024;

/** Added to the rank of a device that no way leads to at the moment. */
const NO_WAY = 512;

interface Known {
  readonly device: RemoteDevice;
  session: RemoteSession;
  /** As its worker says it. */
  readonly rank: number | undefined;
}

/** Devices at other workers, as sessions that the data plane's threads can reach through the mesh thread. */
export class RemoteDevices {
  readonly #thread: number;
  readonly #byKey = new Map<string, Known>();
  readonly #byId: (Known | undefined)[] = [];
  readonly #free: number[] = [];
  /** By serial, the keys of the sessions that were there last. */
  readonly #former = new Map<number, string>();
  #serial = 0;
  /** Those of whose prefixes others may take care. */
  readonly #ranked = new Set<Known>();
  /** Members that no way leads to. */
  readonly #cut = new Set<number>();

  /** @param thread index of the mesh's thread in the exchange */
  constructor(thread: number) {
    this.#thread = thread;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /**
   * Where a packet for one of them goes. Threads hear of a move a moment later than we do: what they send to where a device
   * was goes to where it is.
   *
   * @returns undefined when it is at no other worker
   */
  find(id: number, serial: number): RemoteDevice | undefined {
    const known = this.#byId[id];
    if (known?.session.serial === serial) return known.device;
    const key = this.#former.get(serial);
    return key === undefined ? undefined : this.#byKey.get(key)?.device;
  }

  /**
   * Whether a way leads to a member. Nobody has to be dead for it: what is for a site takes the way by another of its devices.
   *
   * @returns sessions that are to be told of anew
   */
  setWay(member: number, hasWay: boolean): RemoteSession[] {
    if (this.#cut.has(member) !== hasWay) return [];
    if (hasWay) this.#cut.delete(member);
    else this.#cut.add(member);
    const changed = [...this.#ranked].filter(({ device }) => device.member === member);
    return changed.map((known) => {
      known.session = { ...known.session, rank: this.#rankAt(member, known.rank) };
      return known.session;
    });
  }

  #rankAt(member: number, rank: number | undefined): number | undefined {
    return rank !== undefined && this.#cut.has(member) ? rank + NO_WAY : rank;
  }

  /**
   * What is known of a device now. @param record undefined: it is nowhere else
   *
   * @returns sessions that are no more, and that there are, in this order
   * @throws MeshError when the record carries no place
   */
  set(key: string, record: PresenceRecord | undefined): { detached?: DetachedSession; attached?: RemoteSession } {
    const place = record && readDevicePlace(new Reader(record.data, 0, record.data.length));
    const before = this.#byKey.get(key);
    const detached = before && this.#remove(key, before);
    const attached = record && place && this.#add(key, record, place);
    return { ...(detached && { detached }), ...(attached && { attached }) };
  }

  #remove(key: string, known: Known): DetachedSession {
    const { session } = known;
    this.#ranked.delete(known);
    this.#byKey.delete(key);
    this.#byId[session.id] = undefined;
    this.#free.push(session.id);
    this.#former.set(session.serial, key);
    if (this.#former.size > MOST_FORMER) this.#former.delete(this.#former.keys().next().value as number);
    const { thread, serial, tenant, device, sources } = session;
    return { thread, serial, tenant, device, sources };
  }

  #add(
    key: string,
    { member, epoch }: PresenceRecord,
    { thread, id, serial, sources, rank, outside }: DevicePlace,
  ): RemoteSession | undefined {
    const [tenant, device] = key.split('/');
    if (tenant === undefined || device === undefined) return undefined;
    const place = this.#free.pop() ?? this.#byId.length;
    const own = { thread: this.#thread, id: place, serial: ++this.#serial };
    const ours = { ...own, tenant, device, sources, rank: this.#rankAt(member, rank), outside, member, epoch };
    const known: Known = { device: { member, thread, id, serial }, session: ours, rank };
    if (rank !== undefined) this.#ranked.add(known);
    this.#byId[place] = known;
    this.#byKey.set(key, known);
    return ours;
  }
}

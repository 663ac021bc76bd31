import { clone, create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampNow } from '@bufbuild/protobuf/wkt';
import { StatusKey } from '#model/names.ts';
import { type Presence, PresenceSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { SiteReachSchema, TunnelState } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import type { ReachEvent, WorkerEvent } from './source.ts';

type Event<T extends WorkerEvent['type']> = Extract<WorkerEvent, { readonly type: T }>;
type Device = Pick<Presence, 'tenant' | 'device'>;

export interface WhereaboutsParts {
  readonly pop: string;
  readonly worker: string;
  readonly startTimeMs: () => number;
  /**
   * Writes a copy that expires by itself. What cannot be written now is written again.
   *
   * @param value undefined: it holds no more
   */
  readonly put: (key: string, value: Uint8Array | undefined) => void;
  /** Changes of a device within this time are told together. */
  readonly gatherMs?: number;
}

const GATHER_MS = 1000;

const STATES: Readonly<Record<ReachEvent['state'], TunnelState>> = {
  reached: TunnelState.REACHED,
  lost: TunnelState.LOST,
  held: TunnelState.HELD,
};

interface Here {
  readonly presence: Presence;
  readonly isWireGuard: boolean;
  /** A device that reconnects has two for a moment. */
  sessions: number;
}

const nameOf = ({ tenant, device }: Device): string => `${tenant}/${device}`;

/** Which devices are here, how the sites behind them are reached, and by which key of the edge they came, as the API is told. */
export class Whereabouts {
  readonly #parts: WhereaboutsParts;
  readonly #here = new Map<string, Here>();
  /** Those of whose sites something else is to be told. */
  readonly #due = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** Times that the state of a device's site was told. */
  siteReports = 0;

  constructor(parts: WhereaboutsParts) {
    this.#parts = parts;
  }

  /** @returns how the fleet is told of it */
  connected({ tenant, device, ipv4, ipv6, isWireGuard = false }: Omit<Event<'connected'>, 'type'>): Presence {
    const { pop, worker, startTimeMs } = this.#parts;
    const presence = create(PresenceSchema, {
      ...{ tenant, device, pop, worker, since: timestampNow(), ipv4Address: ipv4, ipv6Address: ipv6 },
      workerStartTime: timestampFromMs(startTimeMs()),
    });
    const sessions = (this.#here.get(nameOf(presence))?.sessions ?? 0) + 1;
    this.#here.set(nameOf(presence), { presence, isWireGuard, sessions });
    this.#putPresence(presence);
    return presence;
  }

  /** @returns undefined: it is here still, by another session, or it never was */
  disconnected(device: Device): Presence | undefined {
    const here = this.#here.get(nameOf(device));
    if (here === undefined || --here.sessions > 0) return undefined;
    const { presence } = here;
    this.#here.delete(nameOf(device));
    this.#parts.put(this.#key('presence', presence), undefined);
    if (presence.site !== undefined) this.#parts.put(this.#key('site', presence), undefined);
    return presence;
  }

  site({ tenant, device, site = '', rank, state: word }: Omit<ReachEvent, 'type'>): void {
    const presence = this.#here.get(nameOf({ tenant, device }))?.presence;
    if (presence === undefined) return;
    const [state, before] = [STATES[word], presence.site];
    const isSame = before?.state === state && before.site === site;
    if (isSame && before.rank === rank) return;
    const since = (isSame ? before.since : undefined) ?? timestampNow();
    presence.site = create(SiteReachSchema, { site, state, since, rank });
    this.#soon(nameOf(presence));
  }

  noSite(device: Device): void {
    const presence = this.#here.get(nameOf(device))?.presence;
    if (presence?.site === undefined) return;
    delete presence.site;
    this.#soon(nameOf(device));
  }

  edgeKeys({ newest, previous, byPrevious }: Omit<Event<'edge-keys'>, 'type'>): void {
    const old = new Set(byPrevious);
    for (const [name, { presence, isWireGuard }] of this.#here) {
      const key = old.has(name) ? previous : newest;
      if (!isWireGuard || presence.edgeKey === key) continue;
      presence.edgeKey = key;
      this.#putPresence(presence);
    }
  }

  /** Tells all of it: copies expire, and what was said while nobody listened was not heard. */
  report(): void {
    for (const { presence } of this.#here.values()) {
      this.#putPresence(presence);
      if (presence.site !== undefined) this.#putSite(presence);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #soon(name: string): void {
    this.#due.add(name);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const due of this.#due) {
        const here = this.#here.get(due);
        if (here !== undefined) this.#putSite(here.presence);
      }
      this.#due.clear();
    }, this.#parts.gatherMs ?? GATHER_MS).unref();
  }

  /** Of the site alone there are few, so that whoever follows these need not read the others. */
  #putPresence(presence: Presence): void {
    const copy = clone(PresenceSchema, presence);
    delete copy.site;
    this.#parts.put(this.#key('presence', presence), toBinary(PresenceSchema, copy));
  }

  #putSite(presence: Presence): void {
    this.siteReports++;
    const value = presence.site === undefined ? undefined : toBinary(PresenceSchema, presence);
    this.#parts.put(this.#key('site', presence), value);
  }

  #key(kind: 'presence' | 'site', { tenant, device, pop, worker }: Presence): string {
    return StatusKey[kind](tenant, device, pop, worker);
  }
}

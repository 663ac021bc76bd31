import { NO_ROUTE, PrefixTable } from '#protocol/ip/prefix-table.ts';
import { formatPrefix, type Prefix } from '#protocol/ip/text.ts';
import type { EgressNat } from '../nat/egress-nat.ts';
import type { Carriers } from './carriers.ts';
import type { Correspondents } from './correspondents.ts';
import { isRemote, type RemoteSession, RemoteSessions } from './remote-sessions.ts';
import type { Session, SessionOptions } from './session.ts';
import { TenantRoutes, UNREACHABLE } from './tenants.ts';
import { closeWayOut, openWayOut } from './way-out.ts';

/** What other threads need to know of this one's sessions. */
export interface SessionObserver {
  attached(session: Omit<RemoteSession, 'thread'>): void;
  detached(session: Pick<RemoteSession, 'serial' | 'tenant' | 'device' | 'sources'>): void;
}

/** Of a device within the fleet. */
export const keyOf = ({ tenant, device }: Pick<RemoteSession, 'tenant' | 'device'>): string => `${tenant}/${device}`;

/** As others are told of a session: with the prefixes that lead to it now. */
export const shownOf = (session: Session): Omit<RemoteSession, 'thread'> => {
  const { id, serial, tenant, device, led: sources, rank, outside, past } = session;
  return { id, serial, tenant, device, sources, rank, outside, past };
};

const without = (prefixes: readonly Prefix[], others: readonly Prefix[]): readonly Prefix[] => {
  if (prefixes === others) return [];
  const kept = new Set(others.map(formatPrefix));
  return prefixes.filter((prefix) => !kept.has(formatPrefix(prefix)));
};

/** What led to a session and does not any more, or not in the same way: with a rank or without. */
const leftOf = (before: RemoteSession, { sources, rank }: RemoteSession): readonly Prefix[] =>
  (before.rank === undefined) === (rank === undefined) ? without(before.sources, sources) : before.sources;

/** All sessions of a data-plane thread, those of other threads that they can reach, and the tenants they belong to. */
export class TenantTable {
  readonly carriers: Carriers;
  /** Undefined: the kernel translates IPv4, by carriers. */
  readonly nat: EgressNat | undefined;
  /** Undefined: the kernel sees to it that no IPv6 comes in that was not asked for. */
  readonly correspondents: Correspondents | undefined;
  readonly #tenants = new Map<string, TenantRoutes>();
  readonly #sessions: (Session | undefined)[] = [];
  readonly #free: number[] = [];
  /** IPv6 prefixes of all tenants: unique by construction (RFC 4193), so nothing has to be translated. */
  readonly #unique6 = new PrefixTable(16);
  /** Every tenant's IPv6 networks (kept when a tenant lets one go: its addresses may still be in use elsewhere). */
  readonly #networks6 = new PrefixTable(16);
  readonly #remote = new RemoteSessions();
  readonly #observer: SessionObserver | undefined;
  /** The latest session of each device here. */
  readonly #latest = new Map<string, Session>();
  #serial = 0;
  /** Is told of sessions whose device has a newer one at this worker, in whatever thread. */
  onReplaced: (session: Session) => void = () => {};

  /** @param observer hears of each session that comes and goes */
  constructor(carriers: Carriers, observer?: SessionObserver, nat?: EgressNat, correspondents?: Correspondents) {
    this.carriers = carriers;
    this.nat = nat;
    this.correspondents = correspondents;
    this.#observer = observer;
  }

  /** Creates a tenant or changes its networks; its sessions stay. */
  defineTenant(name: string, networks: readonly Prefix[]): void {
    let tenant = this.#tenants.get(name);
    if (tenant === undefined) {
      tenant = new TenantRoutes(name);
      this.#tenants.set(name, tenant);
    }
    for (const { address, length } of networks) if (address.length === 16) this.#networks6.set(address, length, 1);
    tenant.setNetworks(networks);
  }

  has(name: string): boolean {
    return this.#tenants.has(name);
  }

  /** Lets nobody of this tenant in any more; its sessions are to be ended before. */
  removeTenant(name: string): void {
    this.#tenants.get(name)?.setNetworks([]);
    this.#tenants.delete(name);
  }

  /** Whether an address belongs to some tenant or stands for one: no way out leads there. */
  isInside(buffer: Uint8Array, at: number, addressBytes: number): boolean {
    if (addressBytes === 16) return this.#networks6.lookup(buffer, at) >= 0;
    return this.carriers.contains(buffer, at);
  }

  /**
   * Whether an address belongs to some device as a tenant sees it, or stands for one. A socket of the worker's own does
   * not lead there: it would find somebody else of that address, or a device by another way than its tenant's.
   */
  isDevice(tenant: string, address: Uint8Array): boolean {
    if (this.isInside(address, 0, address.length)) return true;
    return (this.#tenants.get(tenant)?.lookup(address, 0, address.length) ?? NO_ROUTE) !== NO_ROUTE;
  }

  /** The session of a device at another worker, as its own addresses lead there. */
  elsewhere({
    tenant,
    device,
    sources,
  }: Pick<RemoteSession, 'tenant' | 'device' | 'sources'>): RemoteSession | undefined {
    const [own] = sources;
    const routes = this.#tenants.get(tenant);
    if (own === undefined || routes === undefined) return undefined;
    const session = this.remote(routes.lookup(own.address, 0, own.address.length));
    return session?.device === device && session.member !== undefined ? session : undefined;
  }

  get tenantCount(): number {
    return this.#tenants.size;
  }

  get sessionCount(): number {
    return this.#sessions.length - this.#free.length;
  }

  session(id: number): Session | undefined {
    return this.#sessions[id];
  }

  *sessions(): Generator<Session> {
    for (const session of this.#sessions) if (session !== undefined) yield session;
  }

  /** The session of another thread that a route leads to, if it leads to one. */
  remote(target: number): RemoteSession | undefined {
    return isRemote(target) ? this.#remote.get(target) : undefined;
  }

  /**
   * Lets a session send and receive. Where an older session has the same addresses, the newer one gets them: a device
   * that reconnects is not kept waiting for its old connection to time out.
   *
   * @throws RangeError when the tenant is unknown
   */
  attach(session: Session): void {
    const routes = this.#tenants.get(session.tenant);
    if (routes === undefined) throw new RangeError(`a session of the unknown tenant ${session.tenant}`);
    session.id = this.#free.pop() ?? this.#sessions.length;
    session.serial = ++this.#serial;
    session.routes = routes;
    this.#sessions[session.id] = session;
    this.#replace(session);
    this.#latest.set(keyOf(session), session);
    openWayOut(this, session, keyOf(session));
    this.#lead(routes, session, session.led, session.id);
    this.#observer?.attached(shownOf(session));
  }

  /** Leads what lies behind a session's device to it, or no more, and by which rank: all that have heard of it are told. */
  lead(session: Session, isReached: boolean, rank: number | undefined): void {
    const { routes, sources, id } = session;
    session.isWithdrawn = !isReached;
    session.rank = rank;
    if (routes === undefined) return;
    this.#leadNoMore(routes, without(sources, session.led), id);
    this.#lead(routes, session, session.led, id);
    this.#observer?.attached(shownOf(session));
  }

  /**
   * A session's device may do something else from now on, and its rank may be one where there was none: all that have heard of it
   * are told. Who has moved is led to by its newer session.
   */
  change(session: Session, { sources, egress, rank }: Pick<SessionOptions, 'sources' | 'egress' | 'rank'>): void {
    const { routes, id, hasMoved } = session;
    this.#leadNoMore(routes, session.sources, id);
    const isOtherEgress = session.egress !== egress;
    session.setSources(sources);
    session.egress = egress;
    session.rank = rank;
    if (routes === undefined) return;
    if (isOtherEgress && !egress) closeWayOut(this, session);
    if (hasMoved) return;
    if (isOtherEgress) openWayOut(this, session, keyOf(session));
    this.#lead(routes, session, session.led, id);
    this.#observer?.attached(shownOf(session));
  }

  /** A device has a newer session: who left without a word is not served, nor counted, until its connection times out. */
  #replace(device: Pick<RemoteSession, 'tenant' | 'device'>): void {
    const former = this.#latest.get(keyOf(device));
    if (former !== undefined && !former.hasMoved) this.onReplaced(former);
  }

  #lead(
    routes: TenantRoutes,
    { device, rank }: Pick<RemoteSession, 'device' | 'rank'>,
    sources: readonly Prefix[],
    target: number,
  ): void {
    for (const prefix of sources) {
      if (rank === undefined) routes.set(prefix, target);
      else routes.setRanked(prefix, device, target, rank);
      if (prefix.address.length === 16) this.#unique6.set(prefix.address, prefix.length, routes.exact(prefix));
    }
  }

  #leadNoMore(routes: TenantRoutes | undefined, sources: readonly Prefix[], target: number): void {
    for (const prefix of sources) {
      routes?.delete(prefix, target);
      if (prefix.address.length !== 16 || this.#unique6.get(prefix.address, prefix.length) !== target) continue;
      const next = routes?.exact(prefix) ?? NO_ROUTE;
      if (next === NO_ROUTE || next === UNREACHABLE) this.#unique6.delete(prefix.address, prefix.length);
      else this.#unique6.set(prefix.address, prefix.length, next);
    }
  }

  detach(session: Session): void {
    if (session.id < 0 || this.#sessions[session.id] !== session) return;
    this.#leadNoMore(session.routes, session.sources, session.id);
    if (this.#latest.get(keyOf(session)) === session) this.#latest.delete(keyOf(session));
    closeWayOut(this, session);
    session.held?.release();
    session.heldAway?.release();
    this.#sessions[session.id] = undefined;
    this.#free.push(session.id);
    session.id = -1;
    session.routes = undefined;
    this.#observer?.detached(session);
  }

  /**
   * A session came to another thread. All threads hear of all sessions in one order, their own too, so that of several with
   * the same addresses the same one has them everywhere.
   */
  attachRemote(session: RemoteSession): void {
    const routes = this.#tenants.get(session.tenant);
    if (routes === undefined) return;
    const before = this.#remote.find(session);
    const isNew = before === undefined;
    const target = this.#remote.add(session);
    // A session of ours that the others have not heard of yet is newer. Other workers say by epochs who is.
    const isReplaced = isNew && session.epoch === undefined && this.#latest.get(keyOf(session))?.isShown === true;
    if (isReplaced) this.#replace(session);
    if (before !== undefined) this.#leadNoMore(routes, leftOf(before, session), target);
    // It may not leave its tenant any more.
    if (before?.outside !== undefined && session.outside === undefined) this.nat?.detachRemote(target);
    this.#lead(routes, session, session.sources, target);
    this.correspondents?.isElsewhere(keyOf(session));
    this.nat?.attachRemote(session, target);
  }

  /** A session of our own, as all threads have it by now. */
  reattach({ id, serial }: Pick<RemoteSession, 'id' | 'serial'>): void {
    const session = this.#sessions[id];
    if (session?.serial !== serial || session.routes === undefined) return;
    session.isShown = true;
    this.#lead(session.routes, session, session.led, id);
    if (session.nat >= 0) this.nat?.attach(session);
    if (session.filters > 0) this.correspondents?.shared?.isHere(session.filters);
  }

  detachRemote(session: Pick<RemoteSession, 'thread' | 'serial' | 'tenant' | 'sources'>): void {
    const device = this.#remote.find(session)?.device;
    const target = this.#remote.remove(session);
    if (target === undefined) return;
    if (device !== undefined) this.correspondents?.isElsewhere(keyOf({ tenant: session.tenant, device }));
    this.#leadNoMore(this.#tenants.get(session.tenant), session.sources, target);
    this.nat?.detachRemote(target);
  }

  /** @returns the session that has this IPv6 address, `remote` ones included, or -1 */
  lookupUnique6(buffer: Uint8Array, at: number): number {
    return this.#unique6.lookup(buffer, at);
  }
}

/** What the worker shall do, as far as it knows; the data plane reads it and listens to it. */

import { isDeepStrictEqual } from 'node:util';
import { type DnsConfig, NO_DNS } from '#model/dns.ts';
import type { MeshMembers } from '#model/mesh.ts';
import { NO_ROUTING, type WorkerRouting } from '#model/routing.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { PeerRecords } from './peer-records.ts';
import type { DrainCause } from './source.ts';

export interface DeviceState {
  readonly tenant: string;
  readonly id: string;
  readonly network: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Of a whole tenant, of one device, or of one token, as far as the parts are given. */
export interface RevocationState {
  readonly tenant: string;
  readonly device?: string;
  readonly tokenId?: string;
}

/** Every call comes after the state has changed. Nothing is said twice unless it changed in between. */
export interface DesiredStateListener {
  /** A tenant's prefixes changed; none: the tenant is gone. */
  onTenant?(tenant: string, prefixes: readonly string[]): void;
  /** A device is new or changed; `state` undefined: it was deleted (and its tokens with it). */
  onDevice?(tenant: string, device: string, state: DeviceState | undefined): void;
  onRevoked?(revocation: RevocationState): void;
  /** A revocation is no longer there: what it revoked has expired, or is free to be used anew. */
  onReinstated?(revocation: RevocationState): void;
  /** JWK set (RFC 7517) as text, and who issues the tokens. */
  onKeys?(jwks: string, issuer: string): void;
  onRefusedPrefixes?(prefixes: readonly string[]): void;
  /** What the worker announces, and to whom. */
  onRouting?(routing: WorkerRouting): void;
  /** What names lead to. */
  onDns?(dns: DnsConfig): void;
  /** Who is in the mesh of workers. */
  onMesh?(mesh: MeshMembers): void;
  /** What is known of these who come by WireGuard is other than it was: `peers`, `hasEgress`. @param names as in `peers` */
  onPeers?(names: Iterable<string>): void;
  /** WireGuard clients are told of another key of the edge: `edgeKey`. */
  onEdgeKey?(): void;
  /** Whether all of this is as the control plane has it at this moment, as far as can be known. */
  onCurrent?(isCurrent: boolean): void;
  /** For whom the worker shall let its sessions go; none: it shall not. */
  onDrain?(by: readonly DrainCause[]): void;
}

const keyOf = ({ tenant, device, tokenId }: RevocationState): string =>
  tokenId !== undefined ? `${tenant}.token.${tokenId}` : device !== undefined ? `${tenant}.device.${device}` : tenant;

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, i) => text === b[i]);

/** The tables themselves; `membership.ts` and `revisions.ts` fill them. */
export class DesiredState {
  jwks = '';
  issuer = '';
  refusedPrefixes: readonly string[] = [];
  routing: WorkerRouting = NO_ROUTING;
  dns: DnsConfig = NO_DNS;
  /** Undefined: nothing was ever said of it. */
  mesh: MeshMembers | undefined;
  drain: readonly DrainCause[] = [];
  isCurrent = false;
  readonly #listeners = new Set<DesiredStateListener>();
  /** By tenant, out of the revision and out of the networks themselves. */
  readonly #revisionPrefixes = new Map<string, readonly string[]>();
  readonly #networks = new Map<string, Map<string, readonly string[]>>();
  readonly #tenants = new Map<string, readonly string[]>();
  readonly #devices = new Map<string, DeviceState>();
  readonly #revoked = new Map<string, RevocationState>();
  readonly #peers = new PeerRecords();
  /** Public key that WireGuard clients are told of, in base64; empty: none. */
  edgeKey = '';

  /** Tells a listener everything that is known, and from then on every change. @returns how to stop */
  listen(listener: DesiredStateListener): () => void {
    for (const [tenant, prefixes] of this.#tenants) listener.onTenant?.(tenant, prefixes);
    for (const device of this.#devices.values()) listener.onDevice?.(device.tenant, device.id, device);
    for (const revocation of this.#revoked.values()) listener.onRevoked?.(revocation);
    if (this.jwks !== '') listener.onKeys?.(this.jwks, this.issuer);
    if (this.refusedPrefixes.length > 0) listener.onRefusedPrefixes?.(this.refusedPrefixes);
    if (this.routing !== NO_ROUTING) listener.onRouting?.(this.routing);
    if (this.dns !== NO_DNS) listener.onDns?.(this.dns);
    if (this.mesh !== undefined) listener.onMesh?.(this.mesh);
    if (this.peers.size > 0) listener.onPeers?.(this.peers.keys());
    if (this.edgeKey !== '') listener.onEdgeKey?.();
    if (this.drain.length > 0) listener.onDrain?.(this.drain);
    if (this.isCurrent) listener.onCurrent?.(true);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * A tenant has the prefixes of the revision and those of its networks: a new network works at once, and one goes only
   * when it is gone from both, for taking prefixes away can cut many off.
   */
  get tenants(): ReadonlyMap<string, readonly string[]> {
    return this.#tenants;
  }

  device(tenant: string, id: string): DeviceState | undefined {
    return this.#devices.get(`${tenant}.${id}`);
  }

  get deviceCount(): number {
    return this.#devices.size;
  }

  /** Whether a token must not be taken, although its signature and times are right. */
  isRevoked(tenant: string, device: string, tokenId: string): boolean {
    const revoked = this.#revoked;
    return (
      revoked.has(keyOf({ tenant })) ||
      revoked.has(keyOf({ tenant, device })) ||
      revoked.has(keyOf({ tenant, tokenId }))
    );
  }

  setDevice(tenant: string, id: string, state: DeviceState | undefined): void {
    const key = `${tenant}.${id}`;
    const before = this.#devices.get(key);
    if (state === undefined ? before === undefined : JSON.stringify(before) === JSON.stringify(state)) return;
    if (state === undefined) this.#devices.delete(key);
    else this.#devices.set(key, state);
    for (const listener of this.#listeners) listener.onDevice?.(tenant, id, state);
  }

  setNetwork(tenant: string, network: string, prefixes: readonly string[] | undefined): void {
    const networks = this.#networks.get(tenant) ?? new Map<string, readonly string[]>();
    this.#networks.set(tenant, networks);
    if (prefixes === undefined) networks.delete(network);
    else networks.set(network, prefixes);
    this.#updateTenant(tenant);
  }

  /** Who comes by WireGuard, by `<tenant>.<device>`. */
  get peers(): ReadonlyMap<string, WireguardPeer> {
    return this.#peers.all;
  }

  /** @param peer undefined: it comes by WireGuard no more */
  setPeer(tenant: string, device: string, peer: WireguardPeer | undefined): void {
    const name = `${tenant}.${device}`;
    if (!this.#peers.set(name, peer)) return;
    for (const listener of this.#listeners) listener.onPeers?.([name]);
  }

  setEdgeKey(publicKey: string): void {
    if (publicKey === this.edgeKey) return;
    this.edgeKey = publicKey;
    for (const listener of this.#listeners) listener.onEdgeKey?.();
  }

  /** Whether devices of a network may reach the internet. */
  hasEgress(tenant: string, network: string): boolean {
    return this.#peers.hasEgress(tenant, network);
  }

  setEgress(tenant: string, network: string, egress: boolean): void {
    const names = [...this.#peers.setEgress(tenant, network, egress)];
    if (names.length > 0) for (const listener of this.#listeners) listener.onPeers?.(names);
  }

  setRevisionPrefixes(prefixes: ReadonlyMap<string, readonly string[]>): void {
    const touched = new Set([...this.#revisionPrefixes.keys(), ...prefixes.keys()]);
    this.#revisionPrefixes.clear();
    for (const [tenant, own] of prefixes) this.#revisionPrefixes.set(tenant, own);
    for (const tenant of touched) this.#updateTenant(tenant);
  }

  /** What another revision's tenants and refused destinations would make other than it is. */
  outlook(
    prefixes: ReadonlyMap<string, readonly string[]>,
    refused: readonly string[],
  ): { readonly tenants: ReadonlyMap<string, readonly string[]>; readonly refused: readonly string[] } {
    const touched = new Set([...this.#revisionPrefixes.keys(), ...prefixes.keys()]);
    const next = [...touched].map((tenant) => [tenant, this.#prefixesOf(tenant, prefixes)] as const);
    return {
      tenants: new Map(next.filter(([tenant, own]) => !same(own, this.#tenants.get(tenant) ?? []))),
      refused: refused.filter((prefix) => !this.refusedPrefixes.includes(prefix)),
    };
  }

  setRevoked(revocation: RevocationState, revoked: boolean): void {
    const key = keyOf(revocation);
    if (this.#revoked.has(key) === revoked) return;
    if (revoked) this.#revoked.set(key, revocation);
    else this.#revoked.delete(key);
    for (const listener of this.#listeners) {
      if (revoked) listener.onRevoked?.(revocation);
      else listener.onReinstated?.(revocation);
    }
  }

  setKeys(jwks: string, issuer: string): void {
    if (jwks === this.jwks && issuer === this.issuer) return;
    this.jwks = jwks;
    this.issuer = issuer;
    for (const listener of this.#listeners) listener.onKeys?.(jwks, issuer);
  }

  setRefusedPrefixes(prefixes: readonly string[]): void {
    if (same(prefixes, this.refusedPrefixes)) return;
    this.refusedPrefixes = prefixes;
    for (const listener of this.#listeners) listener.onRefusedPrefixes?.(prefixes);
  }

  setRouting(routing: WorkerRouting): void {
    if (JSON.stringify(routing) === JSON.stringify(this.routing)) return;
    this.routing = routing;
    for (const listener of this.#listeners) listener.onRouting?.(routing);
  }

  /** The serial alone is no other one: revisions count on whatever changes. */
  setDns(dns: DnsConfig): void {
    const isSame = JSON.stringify({ ...dns, serial: 0 }) === JSON.stringify({ ...this.dns, serial: 0 });
    if (isSame) return;
    this.dns = dns;
    for (const listener of this.#listeners) listener.onDns?.(dns);
  }

  /** A revision that says nothing of it changes nothing. */
  setMesh(mesh: MeshMembers | undefined): void {
    if (mesh === undefined || isDeepStrictEqual(mesh, this.mesh)) return;
    this.mesh = mesh;
    for (const listener of this.#listeners) listener.onMesh?.(mesh);
  }

  /** @param by in one order always */
  setDrain(by: readonly DrainCause[]): void {
    if (same(by, this.drain)) return;
    this.drain = by;
    for (const listener of this.#listeners) listener.onDrain?.(by);
  }

  setCurrent(isCurrent: boolean): void {
    if (isCurrent === this.isCurrent) return;
    this.isCurrent = isCurrent;
    for (const listener of this.#listeners) listener.onCurrent?.(isCurrent);
  }

  #prefixesOf(tenant: string, byRevision: ReadonlyMap<string, readonly string[]>): string[] {
    const networks = [...(this.#networks.get(tenant)?.values() ?? [])].flat();
    return [...new Set([...(byRevision.get(tenant) ?? []), ...networks])].sort();
  }

  #updateTenant(tenant: string): void {
    const prefixes = this.#prefixesOf(tenant, this.#revisionPrefixes);
    if (same(prefixes, this.#tenants.get(tenant) ?? [])) return;
    if (prefixes.length === 0) this.#tenants.delete(tenant);
    else this.#tenants.set(tenant, prefixes);
    for (const listener of this.#listeners) listener.onTenant?.(tenant, prefixes);
  }
}

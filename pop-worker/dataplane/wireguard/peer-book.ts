import { addressOf } from '#host/udp/address.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { formatIpAddress, type Prefix } from '#protocol/ip/text.ts';
import { WireGuardError } from '#protocol/wireguard/errors.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import type { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Admitted } from '../admission.ts';
import type { EndReason } from '../endings.ts';
import { prefixOf } from '../prefix-of.ts';
import { hasSameSources } from './record-changes.ts';
import type { ThreadPeers } from './thread-peers.ts';

/** A peer by its record. */
export interface KnownPeer {
  record: WireGuardPeer;
  admitted: Admitted;
  /** Undefined while it may not come: it is revoked, or its tenant is not known. Nothing that it sends is answered then. */
  peer: Peer | undefined;
}

/** Why a peer is none any more: it may not come, or its number is somebody else's or has another key or address. */
type GoneReason = Extract<EndReason, 'revoked' | 'changed'>;

interface PeerBookParts {
  readonly core: WireGuard;
  /**
   * Whether the worker begins by itself with peers whose place it knows, and keeps at it. Where there are others, all would:
   * there a peer has to come by itself.
   */
  readonly begins: boolean;
  /** Whether somebody may not come. */
  readonly isBarred: (admitted: Admitted) => boolean;
  /** One is none any more, or another than before: what it has is to end, before its keys go. */
  readonly gone: (known: KnownPeer, reason: GoneReason) => void;
  /** One is the same as before, and its record says something else of it. */
  readonly changed: (known: KnownPeer, before: WireGuardPeer) => void;
}

const NO_KEY = new Uint8Array(32);

const own = (sources: readonly Prefix[], bytes: 4 | 16): string => {
  const single = sources.find(({ address, length }) => address.length === bytes && length === 8 * bytes);
  return single === undefined ? '' : formatIpAddress(single.address);
};

/** Who comes by WireGuard is let in by its key, for as long as its record is there. */
const admittedOf = ({ tenant, device, egress, sources }: WireGuardPeer): Admitted => {
  const prefixes = sources.map(prefixOf);
  return {
    ...{ tenant, device, egress, sources: prefixes, ipv4: own(prefixes, 4), ipv6: own(prefixes, 16) },
    ...{ issuer: '', tokenId: '', issuedAt: 0, expiresAt: Number.POSITIVE_INFINITY },
  };
};

const isSameKey = (a: Uint8Array = NO_KEY, b: Uint8Array = NO_KEY): boolean => Buffer.compare(a, b) === 0;

/** Of a record that is here alone. */
const wipeSecret = ({ presharedKey }: WireGuardPeer): void => void presharedKey?.fill(0);

/** What is let in by a record that another one of the same peer was before. @throws RangeError for sources that are none */
const readmitted = ({ record: before, admitted }: KnownPeer, record: WireGuardPeer): Admitted =>
  before.egress === record.egress && hasSameSources(before, record) ? admitted : admittedOf(record);

/** Whether a record is of who was there before: what it has goes on. @throws RangeError for sources that are none */
const isSamePeer = (known: KnownPeer, record: WireGuardPeer): boolean => {
  const { record: before, admitted } = known;
  if (!isSameKey(record.publicKey, before.publicKey)) return false;
  if (record.tenant !== before.tenant || record.device !== before.device) return false;
  const { ipv4, ipv6 } = readmitted(known, record);
  return ipv4 === admitted.ipv4 && ipv6 === admitted.ipv6;
};

/** @returns false: a record is wrong, by what `put` says or by what is raised of its parts */
const isTaken = (put: () => boolean): boolean => {
  try {
    return put();
  } catch (error) {
    if (error instanceof WireGuardError || error instanceof RangeError || error instanceof TypeError) return false;
    throw error;
  }
};

/** Peers as the control plane has them, and those of them that the core knows. */
export class PeerBook {
  readonly #parts: PeerBookParts;
  readonly #known = new Map<number, KnownPeer>();
  /** Those that may come and are to be added: a Diffie-Hellman each, 70 us. */
  readonly #waiting = new Set<KnownPeer>();
  /** Numbers of those whose records cannot be used: a key, a prefix or an endpoint that is none. */
  readonly #refused = new Set<number>();

  constructor(parts: PeerBookParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#known.size;
  }

  get(number: number): KnownPeer | undefined {
    return this.#known.get(number);
  }

  /** How many records cannot be used. */
  get refused(): number {
    return this.#refused.size;
  }

  /** Some are others; `addSome` is to follow. Whoever is the same as before goes on, by what its record says now. */
  change({ changed, removed }: Pick<ThreadPeers, 'changed' | 'removed'>): void {
    for (const number of removed) {
      this.#refused.delete(number);
      const known = this.#known.get(number);
      if (known !== undefined) this.#remove(known, 'revoked');
    }
    // Before others may have their keys.
    for (const record of changed) {
      const known = this.#known.get(record.number);
      if (known !== undefined && !isTaken(() => isSamePeer(known, record))) this.#remove(known, 'changed');
    }
    for (const record of changed) {
      if (this.#put(record)) this.#refused.delete(record.number);
      else {
        wipeSecret(record);
        this.#refused.add(record.number);
      }
    }
  }

  /** Whether somebody may come has changed; `addSome` is to follow. @param tenant whose devices it may be about; undefined: anybody's */
  review(tenant?: string): void {
    for (const known of this.#known.values()) {
      if (tenant === undefined || known.record.tenant === tenant) this.#review(known);
    }
  }

  /** Adds some of those that may come and are no peers of the core's yet. @returns whether there are more */
  addSome(most: number): boolean {
    let left = most;
    for (const known of this.#waiting) {
      if (left-- === 0) return true;
      this.#waiting.delete(known);
      if (!isTaken(() => this.#add(known))) this.#forget(known);
    }
    return false;
  }

  /** @returns false: it cannot be a peer */
  #put(record: WireGuardPeer): boolean {
    const known = this.#known.get(record.number);
    return isTaken(() => {
      if (known !== undefined) this.#change(known, record);
      else {
        const added: KnownPeer = { record, admitted: admittedOf(record), peer: undefined };
        this.#known.set(record.number, added);
        this.#review(added);
      }
      return true;
    });
  }

  /** Wipes all preshared keys. */
  wipe(): void {
    for (const { record } of this.#known.values()) wipeSecret(record);
  }

  #forget({ record }: KnownPeer): void {
    this.#known.delete(record.number);
    wipeSecret(record);
    this.#refused.add(record.number);
  }

  /** @throws RangeError, WireGuardError as `#add`: nothing has changed then */
  #change(known: KnownPeer, record: WireGuardPeer): void {
    const { peer, record: before } = known;
    const { endpoint, presharedKey } = record;
    if (endpoint !== undefined) addressOf(endpoint.address, endpoint.port);
    const admitted = readmitted(known, record);
    if (peer !== undefined && !isSameKey(before.presharedKey, presharedKey))
      this.#parts.core.setPresharedKey(peer, presharedKey ?? NO_KEY);
    known.record = record;
    known.admitted = admitted;
    if (before.presharedKey !== presharedKey) wipeSecret(before);
    if (peer !== undefined) this.#parts.changed(known, before);
  }

  #review(known: KnownPeer): void {
    const isBarred = this.#parts.isBarred(known.admitted);
    if (isBarred) this.#close(known, 'revoked');
    else if (known.peer === undefined) this.#waiting.add(known);
  }

  /** Seconds between keepalives to a peer that is not here; 0: none are sent. */
  restingKeepalive({ endpoint, keepaliveSeconds = 0 }: WireGuardPeer): number {
    return this.#parts.begins && endpoint !== undefined ? keepaliveSeconds : 0;
  }

  #add(known: KnownPeer): boolean {
    const { core } = this.#parts;
    const { number, publicKey, presharedKey, endpoint } = known.record;
    known.peer = core.addPeer({
      ...{ number, publicKey },
      ...(presharedKey !== undefined && { presharedKey }),
      ...(endpoint !== undefined && { endpoint: addressOf(endpoint.address, endpoint.port) }),
    });
    core.setPersistentKeepalive(known.peer, this.restingKeepalive(known.record));
    return true;
  }

  #remove(known: KnownPeer, reason: GoneReason): void {
    this.#known.delete(known.record.number);
    this.#close(known, reason);
    wipeSecret(known.record);
  }

  #close(known: KnownPeer, reason: GoneReason): void {
    this.#waiting.delete(known);
    if (known.peer === undefined) return;
    this.#parts.gone(known, reason);
    this.#parts.core.removePeer(known.peer);
    known.peer = undefined;
  }
}

import { addressOf } from '#host/udp/address.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { formatIpAddress, type Prefix } from '#protocol/ip/text.ts';
import { WireGuardError } from '#protocol/wireguard/errors.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import type { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Admitted } from '../admission.ts';
import { prefixOf } from '../prefix-of.ts';

/** A peer by its record. */
export interface KnownPeer {
  readonly record: WireGuardPeer;
  readonly admitted: Admitted;
  /** Undefined while it may not come: it is revoked, or its tenant is not known. Nothing that it sends is answered then. */
  peer: Peer | undefined;
}

interface PeerBookParts {
  readonly core: WireGuard;
  /** Peers at the same time. */
  readonly most: number;
  /** Whether somebody may not come. */
  readonly isBarred: (admitted: Admitted) => boolean;
  /** One is none any more, or another than before: what it has is to end, before its keys go. */
  readonly gone: (known: KnownPeer) => void;
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

/** Whether a record says the same of who it is, what it may and where it is; another preshared key is no other peer. */
const isSamePeer = (a: WireGuardPeer, b: WireGuardPeer): boolean =>
  isSameKey(a.publicKey, b.publicKey) &&
  a.tenant === b.tenant &&
  a.device === b.device &&
  a.egress === b.egress &&
  a.keepaliveSeconds === b.keepaliveSeconds &&
  a.endpoint?.address === b.endpoint?.address &&
  a.endpoint?.port === b.endpoint?.port &&
  a.sources.join() === b.sources.join();

/** Peers as the control plane has them, and those of them that the core knows. */
export class PeerBook {
  readonly #parts: PeerBookParts;
  readonly #known = new Map<number, KnownPeer>();
  /** Records of the last time that could not be used: too many, two of one number or key, a key or prefix that is none. */
  refused = 0;

  constructor(parts: PeerBookParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#known.size;
  }

  get(number: number): KnownPeer | undefined {
    return this.#known.get(number);
  }

  /** These are all that there are. Those that are as before are left alone. */
  set(records: readonly WireGuardPeer[]): void {
    this.refused = 0;
    const told = new Map(records.map((record) => [record.number, record] as const));
    // Before others may have their numbers and keys.
    for (const [number, known] of this.#known) {
      const record = told.get(number);
      if (record === undefined || !isSamePeer(record, known.record)) this.#remove(known);
    }
    this.refused = records.length - told.size;
    for (const record of told.values()) if (!this.#put(record)) this.refused++;
  }

  /** Whether somebody may come has changed. @param tenant whose devices it may be about; undefined: anybody's */
  review(tenant?: string): void {
    for (const known of this.#known.values()) {
      if (tenant === undefined || known.record.tenant === tenant) this.#review(known);
    }
  }

  /** @returns false: it cannot be a peer */
  #put(record: WireGuardPeer): boolean {
    const known = this.#known.get(record.number);
    if (known !== undefined) {
      this.#setSecret(known, record);
      return true;
    }
    if (this.#known.size >= this.#parts.most) return false;
    try {
      const added: KnownPeer = { record, admitted: admittedOf(record), peer: undefined };
      this.#review(added);
      this.#known.set(record.number, added);
      return true;
    } catch (error) {
      if (error instanceof WireGuardError || error instanceof RangeError || error instanceof TypeError) return false;
      throw error;
    }
  }

  #setSecret(known: KnownPeer, record: WireGuardPeer): void {
    if (isSameKey(known.record.presharedKey, record.presharedKey)) return;
    this.#known.set(record.number, { ...known, record });
    if (known.peer !== undefined) this.#parts.core.setPresharedKey(known.peer, record.presharedKey ?? NO_KEY);
  }

  #review(known: KnownPeer): void {
    const isBarred = this.#parts.isBarred(known.admitted);
    if (isBarred && known.peer !== undefined) this.#close(known);
    else if (!isBarred && known.peer === undefined) known.peer = this.#add(known.record);
  }

  #add({ number, publicKey, presharedKey, endpoint }: WireGuardPeer): Peer {
    const { core } = this.#parts;
    return core.addPeer({
      ...{ number, publicKey },
      ...(presharedKey !== undefined && { presharedKey }),
      ...(endpoint !== undefined && { endpoint: addressOf(endpoint.address, endpoint.port) }),
    });
  }

  #remove(known: KnownPeer): void {
    this.#known.delete(known.record.number);
    this.#close(known);
  }

  #close(known: KnownPeer): void {
    if (known.peer === undefined) return;
    this.#parts.gone(known);
    this.#parts.core.removePeer(known.peer);
    known.peer = undefined;
  }
}

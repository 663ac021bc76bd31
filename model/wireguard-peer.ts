/** Where a peer is reached, before anything came from it. */
export interface WireGuardEndpoint {
  /** An IP address, no name. */
  readonly address: string;
  /** 1 to 65,535. */
  readonly port: number;
}

/** A device that comes by WireGuard, as every worker of the fleet knows it; plain, so that it can be posted. */
export interface WireGuardPeer {
  readonly tenant: string;
  /** Within its tenant. */
  readonly device: string;
  /**
   * 0 to 2^24 - 1, one peer's alone in the whole fleet: it stands in the receiver index of all that the peer sends, so that
   * any worker finds it (`pop-worker/protocol/wireguard/receiver-index.ts`). Not given to another for as long as that one could still send.
   */
  readonly number: number;
  /** X25519, 32 bytes; one peer's alone. */
  readonly publicKey: Uint8Array;
  /** 32 bytes, in clear: it is held in memory and written nowhere. */
  readonly presharedKey?: Uint8Array | undefined;
  /**
   * Prefixes as text (`10.64.0.2/32`): single addresses are the device's own, of which there is at most one of each family;
   * shorter prefixes lie behind it. In the tenant's networks; other tenants may have the same.
   */
  readonly sources: readonly string[];
  /** Whether it may reach what lies outside of its tenant. */
  readonly egress: boolean;
  /** Given where the worker may begin, as with a site that is always at one address. */
  readonly endpoint?: WireGuardEndpoint | undefined;
  /** Of devices of one tenant with the same name here the networks behind them may be the same: they are one site's. */
  readonly site?: string | undefined;
  /** 0 to 255: of a site's devices that reach it the lowest gets what is for its networks. */
  readonly metric?: number | undefined;
  /** An address behind it that answers pings for as long as the site is reached by this device. */
  readonly probe?: string | undefined;
  /** 1 to 65,535 seconds; absent: none are sent unasked. */
  readonly keepaliveSeconds?: number | undefined;
}

/** What is another among those who come by WireGuard. Each has a name that stays its own, such as `acme.phone`. */
export interface WireGuardPeersChange {
  /** New ones, and those of whom something is another, by their names. */
  readonly changed: ReadonlyMap<string, WireGuardPeer>;
  /** Names of those that are none (any more); some may never have been told. */
  readonly removed: readonly string[];
}

/** Whom a revocation is about: a whole tenant, one device, or one token, as far as the parts are given. */
export interface Revocation {
  readonly tenant: string;
  readonly device?: string;
  readonly tokenId?: string;
}

/** What a worker is told to do, by whatever source. Everything may be said again. */
export interface ControlListener {
  /** A tenant's networks, as prefixes; none: the tenant is gone. */
  tenant(tenant: string, prefixes: readonly string[]): void;
  /** A JWK set (RFC 7517) as text, and who issues tokens. */
  keys(jwks: string, issuer: string): void;
  /** Destinations, as prefixes, that no tunnel of the fleet leads to, besides those that the worker's own file names. */
  refused(prefixes: readonly string[]): void;
  revoke(revocation: Revocation): void;
  /** A revocation is over: what it was about has expired, or is free again. */
  reinstate(revocation: Revocation): void;
  /** Let the sessions go, or serve again. */
  setDrain(drain: boolean): void;
  /** Packets so far, for the worker's status. */
  traffic(): { readonly packetsUp: bigint; readonly packetsDown: bigint; readonly packetsDropped: bigint };
  /** Every revocation that is in force. */
  revocations(revocations: readonly Revocation[]): void;
}

/** What a source may pass on to the rest of the fleet. */
export type WorkerEvent =
  | {
      readonly type: 'connected';
      readonly tenant: string;
      readonly device: string;
      readonly ipv4: string;
      readonly ipv6: string;
    }
  | { readonly type: 'disconnected'; readonly tenant: string; readonly device: string; readonly reason: string }
  | { readonly type: 'state'; readonly state: string };

/** Where desired state comes from: a file, or the control plane. */
export interface ControlSource {
  /**
   * Tells the listener all that is known and goes on telling it what changes.
   *
   * @returns when there is enough to serve by, the last known good state of an earlier run included
   * @throws Error with one sentence when there never will be
   */
  start(listener: ControlListener): Promise<void>;
  /** Looks again at what it cannot watch (SIGHUP). */
  reload(): Promise<void>;
  /** Something happened here. Never throws, never blocks. */
  report(event: WorkerEvent): void;
  stop(): Promise<void>;
}

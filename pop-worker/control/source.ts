import type { DnsConfig } from '#model/dns.ts';
import type { MeshMembers } from '#model/mesh.ts';
import type { WorkerRouting } from '#model/routing.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { WireGuardPeersChange } from '#model/wireguard-peer.ts';
import type { LabelsOf } from '#telemetry/metrics.ts';
import type { ControlView } from './describe.ts';
import type { FleetView } from './fleet.ts';

export type WorkerState = LabelsOf<'cloudbridge_worker_state_count'>['state'];

/**
 * What an operator told the worker at its own machine, beside what the control plane says. `undrain`: to serve although the
 * control plane, which was not reached, had said to drain.
 */
export type LocalOrder = LabelsOf<'cloudbridge_worker_local_order_count'>['order'];

/** For whom the control plane drains: the worker itself, or its whole PoP. */
export type DrainCause = 'worker' | 'pop';

/** How the worker is. */
export interface WorkerCondition {
  readonly state: WorkerState;
  /** Whether its data plane answers. */
  readonly healthy: boolean;
  readonly localOrder: LocalOrder;
  /** Packets so far. */
  readonly packetsUp: bigint;
  readonly packetsDown: bigint;
  readonly packetsDropped: bigint;
}

/** Whom a revocation is about: a whole tenant, one device, or one token, as far as the parts are given. */
export interface Revocation {
  readonly tenant: string;
  readonly device?: string;
  readonly tokenId?: string;
}

/** How desired state would be other than it is. */
export interface Outlook {
  /** Tenants whose networks would be others, as prefixes; none: the tenant would be gone. */
  readonly tenants: ReadonlyMap<string, readonly string[]>;
  /** Destinations, as prefixes, that would be refused besides those that are. */
  readonly refused: readonly string[];
}

/** Tunnels of all kinds that are open, and how many of them a change would cut off. */
export interface Assessment {
  readonly tunnels: number;
  readonly cut: number;
}

/** What a worker is told to do, by whatever source. Everything may be said again. */
export interface ControlListener {
  /** A tenant's networks, as prefixes; none: the tenant is gone. */
  tenant(tenant: string, prefixes: readonly string[]): void;
  /** A JWK set (RFC 7517) as text, and who issues tokens. */
  keys(jwks: string, issuer: string): void;
  /** Destinations, as prefixes, that no tunnel of the fleet leads to, besides those that the worker's own file names. */
  refused(prefixes: readonly string[]): void;
  /** What the worker announces, to whom, and by which ways out. */
  routing(routing: WorkerRouting): void;
  /** What names lead to. */
  dns(dns: DnsConfig): void;
  /** Who is in the mesh of workers. */
  mesh(members: MeshMembers): void;
  /** Who of those that come by WireGuard is another. */
  wireguardPeers(change: WireGuardPeersChange): void;
  /** Whether all of this is as the control plane has it now: only then what is not known does not exist. */
  current(isCurrent: boolean): void;
  revoke(revocation: Revocation): void;
  /** A revocation is over: what it was about has expired, or is free again. */
  reinstate(revocation: Revocation): void;
  /** Let the sessions go, or no longer (no cause); what an operator ordered at the machine holds beside it. */
  setDrain(by: readonly DrainCause[]): void;
  /** What a change would do here; a data plane that does not answer has no tunnels. */
  assess(outlook: Outlook): Promise<Assessment>;
  /** How the worker is, for its status. */
  condition(): WorkerCondition;
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
  /** Its condition is another. */
  | { readonly type: 'state' };

/** Where desired state comes from: a file, or the control plane. */
export interface ControlSource {
  /**
   * The worker's number in the mesh, as soon as it has one; may be asked before `start`.
   *
   * @throws Error with one sentence when it never will have one
   */
  member(): Promise<number>;
  /**
   * Tells the listener all that is known and goes on telling it what changes.
   *
   * @returns when there is enough to serve by, the last known good state of an earlier run included
   * @throws Error with one sentence when there never will be
   */
  start(listener: ControlListener): Promise<void>;
  /**
   * Looks again at what it cannot watch (SIGHUP).
   *
   * @returns what was read, for people
   * @throws Error with one sentence; then what was in force stays
   */
  reload(): Promise<readonly string[]>;
  /** Keys by which devices come by WireGuard from now on: preshared keys are sealed to them. */
  setWireGuardKeys(keys: WireGuardKeys): void;
  /** Devices, as TENANT/DEVICE, whose preshared keys are sealed to the key before the newest. */
  sealedToPreviousKey(): readonly string[];
  /** What is known of the control plane; undefined: this source has none. */
  view(): ControlView | undefined;
  /** What other workers say of themselves, where that is followed. */
  fleet(): FleetView;
  /** Something happened here. Never throws, never blocks. */
  report(event: WorkerEvent): void;
  stop(): Promise<void>;
}

import type { Assessment, ControlListener, DrainCause, Outlook, Revocation, WorkerCondition } from '#control/source.ts';
import type { Command } from '#dataplane/commands.ts';
import type { DnsConfig } from '#model/dns.ts';
import type { MeshMembers } from '#model/mesh.ts';
import type { WorkerRouting } from '#model/routing.ts';
import type { WireGuardPeersChange } from '#model/wireguard-peer.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { DataThread } from './data-thread.ts';
import type { NetworkChanges } from './network-changes.ts';
import type { PeerRoll } from './peer-roll.ts';
import type { WorkerMesh } from './worker-mesh.ts';
import type { WorkerMetrics } from './worker-metrics.ts';
import type { WorkerStates } from './worker-states.ts';

interface ListenerParts {
  readonly threads: readonly DataThread[];
  readonly network: NetworkChanges;
  readonly states: Pick<WorkerStates, 'state' | 'orders'>;
  readonly metrics: WorkerMetrics;
  readonly mesh: Pick<WorkerMesh, 'tenant' | 'members'> | undefined;
  /** Undefined: nobody comes by WireGuard here. */
  readonly peers: Pick<PeerRoll, 'take'> | undefined;
  readonly log: Logger;
  /** To all threads. */
  readonly post: (command: Command) => void;
  readonly isHealthy: () => boolean;
  /** What is to be announced, and to whom. */
  readonly route: (routing: WorkerRouting) => void;
  /** What names lead to. */
  readonly name: (dns: DnsConfig) => void;
  /** For whom it is to let its sessions go; none: it is not. */
  readonly drain: (by: readonly DrainCause[]) => void;
  /** All that is in force is known as of now. */
  readonly current: () => void;
}

/** What the control source tells a worker, for its threads and the kernel; and what it asks. */
export class WorkerListener implements ControlListener {
  readonly #parts: ListenerParts;
  readonly #tenants = new Set<string>();

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  get tenantCount(): number {
    return this.#tenants.size;
  }

  tenant(tenant: string, told: readonly string[]): void {
    const prefixes = this.#readable(told, { tenant });
    if (prefixes.length === 0) this.#tenants.delete(tenant);
    else this.#tenants.add(tenant);
    this.#parts.network.setTenant(tenant, prefixes);
    this.#parts.post({ type: 'tenant', tenant, prefixes });
    this.#parts.mesh?.tenant(tenant);
  }

  keys(jwks: string, issuer: string): void {
    this.#parts.post({ type: 'keys', jwks, issuer });
  }

  refused(prefixes: readonly string[]): void {
    const known = this.#readable(prefixes, { refused: true });
    this.#parts.network.setRefused(known);
    this.#parts.post({ type: 'refused', prefixes: known });
  }

  routing(routing: WorkerRouting): void {
    this.#parts.route(routing);
  }

  dns(dns: DnsConfig): void {
    this.#parts.name(dns);
  }

  mesh(members: MeshMembers): void {
    this.#parts.mesh?.members(members);
  }

  wireguardPeers(change: WireGuardPeersChange): void {
    this.#parts.peers?.take(change);
  }

  current(isCurrent: boolean): void {
    this.#parts.post({ type: 'current', isCurrent });
    if (isCurrent) this.#parts.current();
  }

  /** What the data plane can work with; the rest is told. */
  #readable(prefixes: readonly string[], of: object): string[] {
    const known = prefixes.filter((prefix) => parsePrefix(prefix) !== undefined);
    if (known.length < prefixes.length) this.#parts.log.error('some of these are no prefixes', { prefixes, ...of });
    return known;
  }

  revoke(revocation: Revocation): void {
    this.#parts.post({ type: 'revoke', revocation });
  }

  reinstate(revocation: Revocation): void {
    this.#parts.post({ type: 'reinstate', revocation });
  }

  setDrain(by: readonly DrainCause[]): void {
    this.#parts.drain(by);
  }

  async assess({ tenants, refused }: Outlook): Promise<Assessment> {
    const readable = [...tenants].map(([tenant, prefixes]) => [tenant, this.#readable(prefixes, { tenant })] as const);
    const outlook = { tenants: new Map(readable), refused: this.#readable(refused, { refused: true }) };
    const all = await Promise.all(this.#parts.threads.map((thread) => thread.assess(outlook)));
    const sum = (key: keyof Assessment): number => all.reduce((total, one) => total + one[key], 0);
    return { tunnels: sum('tunnels'), cut: sum('cut') };
  }

  /** Packets are as of the last collection, which this asks for anew. */
  condition(): WorkerCondition {
    for (const thread of this.#parts.threads) void thread.collect();
    const { state, orders } = this.#parts.states;
    return { state, healthy: this.#parts.isHealthy(), localOrder: orders.local, ...this.#parts.metrics.traffic() };
  }

  revocations(revocations: readonly Revocation[]): void {
    this.#parts.post({ type: 'revocations', revocations });
  }
}

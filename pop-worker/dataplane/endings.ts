import { prohibition, type TargetPolicy } from '#protocol/masque/target-policy.ts';
import type { LabelsOf } from '#telemetry/metrics.ts';
import type { Admitted } from './admission.ts';
import type { Session } from './forward/session.ts';

/** Why the worker ends a tunnel that its device still wants, as it is counted. */
export type EndReason = LabelsOf<'cloudbridge_ended_tunnels_total'>['reason'];

/** What is written down of it. */
const SENTENCES: Readonly<Record<EndReason, string>> = {
  expired: 'the token has expired',
  revoked: 'revoked',
  tenant_gone: 'the tenant is gone',
  destination_refused: 'the destination is refused from now on',
  moved: 'the device has a newer connection',
  changed: 'its record names another key, device or address',
};

/** A tunnel of any kind, from the moment it was let in. */
export interface LiveTunnel {
  readonly admitted: Admitted;
  /** The address that it leads to (4 or 16 bytes), when it leads to one. */
  readonly destination?: Uint8Array;
  /** Of an IP tunnel. */
  readonly session?: Session;
  readonly end: (reason: string) => void;
}

/** Whoever has tunnels of one kind. */
export interface TunnelHolder {
  live(): Iterable<LiveTunnel>;
}

/** Finds the tunnels that may not go on, and ends them. */
export class Endings {
  /** Tunnels ended so far. */
  readonly counters: Record<EndReason, number> = {
    ...{ expired: 0, revoked: 0, tenant_gone: 0, destination_refused: 0, moved: 0, changed: 0 },
  };
  readonly #holders: readonly TunnelHolder[];

  constructor(holders: readonly TunnelHolder[]) {
    this.#holders = holders;
  }

  /** Ends those to single targets that such a policy would not allow any more. */
  refuse(policy: TargetPolicy): void {
    this.endWhere(
      ({ destination }) => destination !== undefined && prohibition(destination, policy) !== undefined,
      'destination_refused',
    );
  }

  /** @returns how many tunnels there are, and how many of them `matches` picks */
  count(matches: (tunnel: LiveTunnel) => boolean): { readonly tunnels: number; readonly cut: number } {
    const all = this.#holders.flatMap((holder) => [...holder.live()]);
    return { tunnels: all.length, cut: all.filter(matches).length };
  }

  endWhere(matches: (tunnel: LiveTunnel) => boolean, reason: EndReason): void {
    for (const holder of this.#holders) {
      for (const tunnel of holder.live()) {
        if (!matches(tunnel)) continue;
        this.counters[reason]++;
        tunnel.end(SENTENCES[reason]);
      }
    }
  }
}

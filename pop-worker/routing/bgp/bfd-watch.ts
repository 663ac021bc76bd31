import type { Timing } from '#protocol/bfd/parameters.ts';
import { STATE_NAMES } from '#protocol/bfd/state.ts';
import { Stat } from '#protocol/bfd/stats.ts';
import { type BfdClient, BfdClients } from '../bfd/clients.ts';
import { type BfdSeat, SeatedBfd } from '../bfd/seat.ts';
import type { BgpNeighbourConfig } from './setup.ts';

export interface BfdWatchEvents {
  /** BFD has found the path to a neighbour Down that was Up. @param isOwn we ourselves are why */
  failed(index: number, isOwn: boolean): void;
  /** There is no session, or none yet; one sentence. */
  trouble(index: number, message: string): void;
}

const timingOf = ({ intervalMs, multiplier }: NonNullable<BgpNeighbourConfig['bfd']>): Timing => {
  const intervalUs = intervalMs * 1000;
  return { desiredMinTxUs: intervalUs, requiredMinRxUs: intervalUs, detectMult: multiplier };
};

/** The paths to neighbours that want BFD, from the address that a connection with them has had (RFC 5882 §10.2). */
export class BfdWatch {
  readonly #bfd: SeatedBfd;
  readonly #clients: BfdClients;
  readonly #events: BfdWatchEvents;
  /** Our address of the newest connection with each neighbour, whether it wants BFD or not. */
  readonly #locals = new Map<number, string>();
  readonly #watched = new Map<number, { readonly local: string; readonly client: BfdClient }>();

  constructor(seat: BfdSeat, events: BfdWatchEvents) {
    this.#bfd = new SeatedBfd(seat);
    this.#clients = new BfdClients(this.#bfd);
    this.#events = events;
  }

  /** There is a connection with the neighbour. @param local our address of it */
  connected(index: number, { bfd, address, device, tcp }: BgpNeighbourConfig, local: string): void {
    this.#locals.set(index, local);
    if (bfd === undefined || this.#watched.get(index)?.local === local) return;
    this.#unwatch(index);
    const { trouble, failed } = this.#events;
    // Whoever is sent a hop limit of 1 is as near as one of whom 255 must be left.
    const multiHop = tcp.leastHopLimit !== 255 && tcp.hopLimit !== 1;
    const path = {
      ...{ local, remote: address, multiHop },
      ...(device !== undefined && !multiHop && { device }),
      ...(multiHop && { leastHopLimit: Math.max(tcp.leastHopLimit, 1) }),
    };
    try {
      const client = this.#clients.join(path, {
        ...{ timing: timingOf(bfd), hasOwnLiveness: true, patienceUs: 0 },
        told: (verdict, isOwn) => {
          if (verdict === 'failed') failed(index, isOwn);
        },
        refused: (message) => trouble(index, message),
        unopened: (message) => trouble(index, message),
      });
      this.#watched.set(index, { local, client });
    } catch (error) {
      trouble(index, (error as Error).message);
    }
  }

  /** State of the path to a neighbour, and milliseconds of silence that end it; undefined: it is not watched yet. */
  viewOf(index: number, remote: string): { readonly state: string; readonly detectionMs: number } | undefined {
    const local = this.#watched.get(index)?.local;
    for (const { path, stats } of this.#clients.paths()) {
      if (path.local !== local || path.remote !== remote) continue;
      const stat = (name: keyof typeof Stat): number => stats?.[Stat[name]] ?? 0;
      return { state: STATE_NAMES[stat('state')] ?? 'down', detectionMs: stat('detectionTimeUs') / 1000 };
    }
    return undefined;
  }

  /** It wants BFD, wants it no more, or at another pace. What is Up stays so where it is wanted still (RFC 5880 §6.8.3). */
  changed(index: number, config: BgpNeighbourConfig): void {
    const local = this.#locals.get(index);
    if (config.bfd === undefined) this.#unwatch(index);
    else if (this.#watched.has(index)) this.#watched.get(index)?.client.retime(timingOf(config.bfd));
    else if (local !== undefined) this.connected(index, config, local);
  }

  /** The neighbour is one no more. */
  leave(index: number): void {
    this.#locals.delete(index);
    this.#unwatch(index);
  }

  #unwatch(index: number): void {
    this.#watched.get(index)?.client.leave();
    this.#watched.delete(index);
  }

  close(): void {
    this.#bfd.close();
  }
}

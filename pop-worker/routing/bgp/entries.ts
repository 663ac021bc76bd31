import { addressOf, formatHost } from '#host/udp/address.ts';
import type { Neighbour } from '#protocol/bgp/fsm/neighbour.ts';
import type { SpeakerOutput } from '#protocol/bgp/speaker.ts';
import type { BgpNeighbourConfig } from './setup.ts';
import type { Streams } from './streams.ts';

/** A neighbour with its sockets. */
export interface Entry {
  /** That the main thread knows it by. */
  readonly id: number;
  /** That the tables and the speaker know it by. */
  readonly index: number;
  /** As it is now. */
  config: BgpNeighbourConfig;
  readonly neighbour: Neighbour;
  readonly streams: Streams;
  /** Messages, as `countAt` has them. */
  readonly counts: Float64Array;
  /** What sockets hold on to: of the connection that we made, and of the one that it made. */
  readonly held: { outgoing: SpeakerOutput | undefined; incoming: SpeakerOutput | undefined };
}

/** Text of an address without its port, as connections that are accepted have it. */
export const hostOf = ({ address }: BgpNeighbourConfig): string => formatHost(addressOf(address));

/** The neighbours that there are, by all that they are known by. */
export class Entries {
  readonly #byId = new Map<number, Entry>();
  readonly #byIndex: (Entry | undefined)[] = [];
  readonly #byHost = new Map<string, Entry>();

  add(entry: Entry): void {
    this.#byId.set(entry.id, entry);
    this.#byIndex[entry.index] = entry;
    this.#byHost.set(hostOf(entry.config), entry);
  }

  remove({ id, index, config }: Entry): void {
    this.#byId.delete(id);
    this.#byIndex[index] = undefined;
    this.#byHost.delete(hostOf(config));
  }

  withId(id: number): Entry | undefined {
    return this.#byId.get(id);
  }

  at(index: number): Entry | undefined {
    return this.#byIndex[index];
  }

  /** @param host of `hostOf` */
  withHost(host: string): Entry | undefined {
    return this.#byHost.get(host);
  }

  /** In the order in which they were added. */
  all(): Iterable<Entry> {
    return this.#byId.values();
  }
}

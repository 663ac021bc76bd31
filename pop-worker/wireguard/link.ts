import { NetlinkMonitor } from '#host/netlink/monitor.ts';
import { withRequests } from '#host/netlink/requests.ts';
import { type Link, LinkFlag, newLink } from '#protocol/netlink/link.ts';

/** What becomes of an interface by others' hands: `ip link set`. */
export interface LinkSink {
  /** Its state now; told at first, and with each change. */
  is(isUp: boolean, mtu: number): void;
  /** An address of this machine is gone. */
  addressGone(): void;
  gone(): void;
}

/** Watches one interface of the calling thread's network namespace. */
export class LinkWatch {
  readonly #index: number;
  readonly #sink: LinkSink;
  readonly #monitor: NetlinkMonitor;

  /** @throws KernelRefusal there is no such interface */
  constructor(name: string, sink: LinkSink) {
    this.#index = withRequests((requests) => requests.get('link', newLink({ name })).index);
    this.#sink = sink;
    this.#monitor = NetlinkMonitor.open(
      { kinds: ['link', 'address'] },
      {
        changed: (kind, what, object) => {
          if (kind === 'link') this.#take(what, object as Link);
          else if (kind === 'address' && what === 'deleted') sink.addressGone();
        },
        lost: () => this.#ask(),
      },
    );
    this.#ask();
  }

  close(): void {
    this.#monitor.close();
  }

  #ask(): void {
    const index = this.#index;
    let link: Link | undefined;
    try {
      link = withRequests((requests) => requests.get('link', newLink({ index })));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENODEV') throw error;
    }
    if (link === undefined) this.#sink.gone();
    else this.#take('added', link);
  }

  #take(what: 'added' | 'deleted', { index, family, flags, mtu }: Link): void {
    // AF_BRIDGE tells of links as well.
    if (index !== this.#index || family !== 0) return;
    if (what === 'deleted') this.#sink.gone();
    else this.#sink.is((flags & LinkFlag.up) !== 0, mtu);
  }
}

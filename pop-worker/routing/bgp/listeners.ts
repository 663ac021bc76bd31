import { TcpListener } from '#host/tcp/listener.ts';
import { addressOf, formatHost } from '#host/udp/address.ts';
import { addressFamily } from '#protocol/address.ts';
import type { BgpListenConfig, BgpNeighbourConfig } from './setup.ts';

/** Where connections are taken: one listener an address and an interface that neighbours are bound to. */
export class Listeners {
  readonly #listen: readonly BgpListenConfig[];
  readonly #accepted: (descriptor: number, remote: string) => void;
  readonly #open = new Map<string, TcpListener>();
  /** The smallest hop limit that any neighbour of a listener may come with. */
  readonly #least = new Map<string, number>();

  /** @param accepted gets each connection, which is then its own, with the text of the address that made it */
  constructor(listen: readonly BgpListenConfig[], accepted: (descriptor: number, remote: string) => void) {
    this.#listen = listen;
    this.#accepted = accepted;
    for (const one of listen) this.#listenAt(one, '');
  }

  /** Is ready for connections of a neighbour, authenticated as it wants them. @throws Error of the system */
  add({ address, device = '', tcp }: BgpNeighbourConfig): void {
    const remote = addressOf(address);
    for (const one of this.#listen) {
      const local = addressOf(one.address);
      if (addressFamily(local) !== addressFamily(remote)) continue;
      const listener = this.#listenAt(one, device);
      const key = keyOf(one, device);
      const least = Math.min(this.#least.get(key) ?? 255, tcp.leastHopLimit);
      this.#least.set(key, least);
      listener.setLeastHopLimit(least);
      if (tcp.authentication !== undefined) listener.authenticate(remote, tcp.authentication);
      if (tcp.authentication !== undefined || tcp.leastHopLimit > 0) listener.refuseWaiting();
    }
  }

  /** Forgets how a neighbour's connections are authenticated. */
  remove({ address, device = '', tcp }: BgpNeighbourConfig): void {
    const remote = addressOf(address);
    if (tcp.authentication?.type !== 'md5') return;
    for (const one of this.#listen) {
      if (addressFamily(addressOf(one.address)) === addressFamily(remote)) {
        this.#open.get(keyOf(one, device))?.forgetMd5(remote);
      }
    }
  }

  /** Text of the addresses, with their ports. */
  ports(): readonly number[] {
    return [...this.#open.values()].map((listener) => (listener.local()[0] as number) >>> 16);
  }

  close(): void {
    for (const listener of this.#open.values()) listener.close();
    this.#open.clear();
  }

  #listenAt(one: BgpListenConfig, device: string): TcpListener {
    const key = keyOf(one, device);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const words = addressOf(one.address, one.port);
    const listener = new TcpListener(words, device, (descriptor, remote) => {
      this.#accepted(descriptor, formatHost(remote));
    });
    this.#open.set(key, listener);
    return listener;
  }
}

const keyOf = ({ address, port }: BgpListenConfig, device: string): string => `${address} ${port} ${device}`;

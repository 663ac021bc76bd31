import { threadYield } from '#host/thread/thread.ts';
import type { TunDevice } from '#host/tun/device.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { P_LENGTH, P_OFFSET, PACKET_WORDS } from '#protocol/wireguard/options.ts';
import { TunPort } from '../tun-port.ts';

/**
 * Packets that are written in one go. Whoever they are for may be waiting for this CPU, and its socket holds some ninety
 * (net.core.rmem_default): it gets its turn before there are more.
 */
export const PACKETS_A_GO = 64;

/** Packets out of a tunnel on their way into a TUN: gathered from where they were opened, segments of a flow joined. */
export class Delivery {
  readonly #port: TunPort;
  readonly #view = new IpView();
  /** Packets, and their bytes. */
  packets = 0;
  bytes = 0;
  /** Those that no host would take: headers that lie. */
  invalid = 0;

  readonly #othersFirst: () => void;

  /**
   * @param lasting the buffer in which packets stay as they are until `flush`
   * @param othersFirst called after each `PACKETS_A_GO`
   */
  constructor(device: TunDevice, lasting: Uint8Array, othersFirst: () => void = threadYield) {
    this.#othersFirst = othersFirst;
    this.#port = new TunPort(device, 1);
    this.#port.lasting = lasting;
  }

  /** Packets that the TUN had no room for. */
  get overflows(): number {
    return this.#port.overflows;
  }

  /** @param words `PACKET_WORDS` of `protocol/wireguard/options.ts` each */
  add(buffer: Uint8Array, words: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const start = words[i * PACKET_WORDS + P_OFFSET] as number;
      const length = words[i * PACKET_WORDS + P_LENGTH] as number;
      if (this.#view.parse(buffer, start, start + length) !== IpFault.none) {
        this.invalid++;
        continue;
      }
      this.packets++;
      this.bytes += length;
      this.#port.add(buffer, this.#view);
      if (this.packets % PACKETS_A_GO !== 0) continue;
      this.flush();
      this.#othersFirst();
    }
  }

  flush(): void {
    this.#port.flush();
  }
}

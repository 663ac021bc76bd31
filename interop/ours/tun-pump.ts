import { execFileSync } from 'node:child_process';
import { TunBurst } from '#host/tun/burst.ts';
import { configureTun } from '#host/tun/configure.ts';
import { TunDevice } from '#host/tun/device.ts';
import { T_LENGTH, T_OFFSET, TUN_SLOT_BYTES, TUN_WORDS } from '#host/tun/native.ts';
import type { IpTunnel } from '#protocol/masque/connect-ip.ts';
import { TUNNEL_HEADROOM } from '#protocol/masque/tunnel.ts';

const PACKETS = 32;
/** UDP payload of a full packet outside: fits a link of 1500 bytes, holds an inner packet of 1400. The peers' is the same. */
export const OUTER_BYTES = 1452;

/** A TUN and the one tunnel that its packets go through. */
export class TunPump {
  readonly #device: TunDevice;
  readonly #in = new TunBurst(PACKETS * TUN_SLOT_BYTES, PACKETS);
  readonly #out = new TunBurst(TUN_SLOT_BYTES, 1);
  #tunnel: IpTunnel | undefined;

  constructor(name: string) {
    this.#device = TunDevice.open({ name });
    this.#device.onReadable(() => this.#forward());
  }

  async configure(addresses: readonly string[], mtu: number, routes: readonly string[]): Promise<void> {
    configureTun(this.#device.name, { addresses, mtu, up: true });
    for (const route of routes) execFileSync('ip', ['route', 'replace', route, 'dev', this.#device.name]);
  }

  attach(tunnel: IpTunnel): void {
    this.#tunnel = tunnel;
  }

  /** A packet that came through the tunnel; one that the kernel does not take is lost, as on any link. */
  write(buffer: Uint8Array, start: number, end: number): void {
    this.#out.clear();
    this.#out.buffer.set(buffer.subarray(start, end));
    this.#out.commit(end - start);
    this.#device.write(this.#out);
  }

  #forward(): void {
    const burst = this.#in;
    do {
      burst.clear();
      // The tunnel writes in front of each packet: over the headroom, then over packets that were sent before.
      burst.used = TUNNEL_HEADROOM;
      this.#device.read(burst);
      for (let i = 0; i < burst.count; i++) {
        const start = burst.words[i * TUN_WORDS + T_OFFSET] as number;
        this.#tunnel?.send(burst.buffer, start, start + (burst.words[i * TUN_WORDS + T_LENGTH] as number));
      }
    } while (burst.count > 0);
  }
}

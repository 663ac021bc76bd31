import { Burst } from '#protocol/burst.ts';
import { P_LENGTH, P_OFFSET, PACKET_WORDS } from '#protocol/wireguard/options.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import { nowUs } from '../../clock/clock.ts';
import { systemRandom } from '../../random/random.ts';
import { inNamespace } from '../../thread/namespace.ts';
import { TunBurst } from '../../tun/burst.ts';
import { configureTun } from '../../tun/configure.ts';
import { TunDevice } from '../../tun/device.ts';
import { TUN_SLOT_BYTES } from '../../tun/native.ts';
import { UdpSocket } from '../../udp/socket.ts';
import { nodePorts } from '../ports.ts';

export interface EndpointOptions {
  readonly namespace: string;
  /** Inside, `address/length`. */
  readonly addresses: readonly string[];
  readonly privateKey: Uint8Array;
  readonly port: number;
  readonly handshakesASecond?: number;
}

/** A core between a UDP socket and a TUN, no faster than a test needs. */
export class TestEndpoint {
  readonly core: WireGuard;
  readonly #tun: TunDevice;
  readonly #udp: UdpSocket;
  readonly #out = new Burst(1 << 20, 256);
  readonly #toTun = new TunBurst(1 << 20, 256);
  #timer: NodeJS.Timeout | undefined;

  constructor({ namespace, addresses, privateKey, port, handshakesASecond = 1000 }: EndpointOptions) {
    const at = `/run/netns/${namespace}`;
    this.#tun = inNamespace(at, () => TunDevice.open({ name: 'cbw%d' }));
    configureTun(this.#tun.name, { namespace, addresses, mtu: 1420, up: true });
    this.#udp = inNamespace(at, () => UdpSocket.open({ address: '0.0.0.0', port }));
    this.core = new WireGuard({
      ...{ privateKey, ports: nodePorts(), random: systemRandom, unixUs: () => Date.now() * 1000, handshakesASecond },
      isAnycast: true,
      sink: {
        packets: (buffer, words, count) => this.#deliver(buffer, words, count),
        confirmed: () => {},
        moved: () => {},
      },
    });
    const [datagrams, packets] = [new Burst(1 << 22, 64), new TunBurst(8 * TUN_SLOT_BYTES, 64)];
    this.#udp.onReadable(() => {
      datagrams.clear();
      this.#udp.receive(datagrams);
      this.core.handle({ kind: 'datagrams', burst: datagrams }, nowUs());
      this.pump();
    });
    this.#tun.onReadable(() => {
      packets.clear();
      this.#tun.read(packets);
      this.core.handle({ kind: 'packets', packets }, nowUs());
      this.pump();
    });
  }

  /** Sends what is to be sent, and sets the timer. */
  pump(): void {
    const out = this.#out;
    for (out.clear(); this.core.poll(nowUs(), out); out.clear()) this.#udp.send(out);
    clearTimeout(this.#timer);
    const us = this.core.deadline() - nowUs();
    if (us === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.core.handle({ kind: 'time' }, nowUs());
        this.pump();
      },
      Math.max(0, us / 1000),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#udp.close();
    this.#tun.close();
    this.core.close();
  }

  #deliver(buffer: Uint8Array, words: Int32Array, count: number): void {
    const burst = this.#toTun;
    burst.clear();
    for (let i = 0; i < count; i++) {
      const at = words[i * PACKET_WORDS + P_OFFSET] as number;
      const length = words[i * PACKET_WORDS + P_LENGTH] as number;
      burst.buffer.set(buffer.subarray(at, at + length), burst.used);
      burst.commit(length);
    }
    this.#tun.write(burst);
  }
}

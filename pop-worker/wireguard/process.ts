import { randomFillSync } from 'node:crypto';
import { collectHost } from '#dataplane/metrics/host-metrics.ts';
import { collectWireGuard } from '#dataplane/wireguard/metrics.ts';
import { Tunnel } from '#dataplane/wireguard/tunnel.ts';
import type { TunDevice } from '#host/tun/device.ts';
import { newSecret } from '#protocol/secret.ts';
import { exposition } from '#telemetry/exposition.ts';
import type { Logger } from '#telemetry/logger.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { Attendance } from './attendance.ts';
import { DEFAULT_MTU, openDevice } from './device.ts';
import { Interface } from './interface.ts';

const SERIES = LAYOUT.series.filter(({ spec }) => /^cloudbridge_(wireguard|udp|tun)_/.test(spec.name));
/** A WireGuard interface with its socket, from its start to its end. */
export class WireGuardProcess {
  readonly #log: Logger;
  readonly #tun: TunDevice;
  readonly #tunnel: Tunnel;
  readonly #interface: Interface;
  readonly #slots = allocateSlots();
  readonly #attendance = new Attendance();

  /** @throws StartError */
  constructor(name: string, log: Logger) {
    this.#log = log;
    this.#tun = openDevice(name);
    // Until it is given a key it has one that nobody knows.
    const privateKey = randomFillSync(newSecret(32));
    this.#tunnel = new Tunnel({
      ...{ tun: this.#tun, privateKey, mtu: DEFAULT_MTU, handshakesASecond: Number.POSITIVE_INFINITY },
    });
    privateKey.fill(0);
    this.#interface = new Interface(this.#tunnel);
  }

  get name(): string {
    return this.#tun.name;
  }

  /** Why it ended by itself: its interface or socket was removed. */
  get gone(): Promise<string> {
    return this.#attendance.removed;
  }

  readonly state = 'ready';

  isHealthy(): boolean {
    return true;
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    const { socket } = this.#tunnel;
    collectHost(this.#slots, { sockets: socket === undefined ? [] : [socket], tun: this.#tun, fallbacks: [] });
    collectWireGuard(this.#slots, this.#tunnel);
    return exposition([this.#slots], SERIES);
  }

  /** Serves its socket and follows its interface from now on. @throws StartError, or an Error of the file system */
  async start(): Promise<void> {
    this.#tun.onLost(() => this.#attendance.gone());
    await this.#attendance.start({
      ...{ name: this.name, target: this.#interface, log: this.#log },
      is: (isUp, mtu) => this.#follow(isUp, mtu),
      addressGone: () => this.#tunnel.core.forgetSources(),
    });
  }

  /** Removes interface and socket, and wipes all keys. */
  stop(): void {
    this.#attendance.close();
    this.#interface.close();
  }

  #follow(isUp: boolean, mtu: number): void {
    this.#tunnel.core.setMtu(mtu);
    try {
      if (isUp) this.#interface.up();
      else this.#interface.down();
    } catch (error) {
      // As a port that is in use by now: another one can be set, or the interface set up again.
      this.#log.error('the interface is up and its port cannot be opened', { reason: (error as Error).message });
      return;
    }
    this.#log.debug('interface', { up: isUp, mtu, port: this.#interface.listenPort });
  }
}

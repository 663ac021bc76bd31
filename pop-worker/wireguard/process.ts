import { randomFillSync } from 'node:crypto';
import type { FSWatcher } from 'node:fs';
import { collectHost } from '#dataplane/metrics/host-metrics.ts';
import { collectWireGuard } from '#dataplane/wireguard/metrics.ts';
import { Tunnel } from '#dataplane/wireguard/tunnel.ts';
import type { TunDevice } from '#host/tun/device.ts';
import { newSecret } from '#protocol/secret.ts';
import { exposition } from '#telemetry/exposition.ts';
import type { Logger } from '#telemetry/logger.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { DEFAULT_MTU, openDevice } from './device.ts';
import { Interface } from './interface.ts';
import { LinkWatch } from './link.ts';
import { serveUapi, type UapiServer, watchSocket } from './uapi-socket.ts';

const SERIES = LAYOUT.series.filter(({ spec }) => /^cloudbridge_(wireguard|udp|tun)_/.test(spec.name));
/** A WireGuard interface with its socket, from its start to its end. */
export class WireGuardProcess {
  readonly #log: Logger;
  readonly #tun: TunDevice;
  readonly #tunnel: Tunnel;
  readonly #interface: Interface;
  readonly #slots = allocateSlots();
  readonly #gone = Promise.withResolvers<string>();
  #link: LinkWatch | undefined;
  #server: UapiServer | undefined;
  #watcher: FSWatcher | undefined;

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
    return this.#gone.promise;
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
    const { name } = this;
    this.#server = await serveUapi(name, this.#interface, (error) =>
      this.#log.error('a bug of CloudBridge was met: please report it', { ended: 'an operation', error }),
    );
    this.#tun.onLost(() => this.#gone.resolve('the interface was removed'));
    this.#link = new LinkWatch(name, {
      is: (isUp, mtu) => this.#follow(isUp, mtu),
      addressGone: () => this.#tunnel.core.forgetSources(),
      gone: () => this.#gone.resolve('the interface was removed'),
    });
    this.#watcher = watchSocket(name, this.#gone.resolve);
  }

  /** Removes interface and socket, and wipes all keys. */
  stop(): void {
    this.#watcher?.close();
    this.#link?.close();
    this.#server?.close();
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
